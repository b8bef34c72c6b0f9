"""The stand-in's calendars, lists of them, and push channels."""
