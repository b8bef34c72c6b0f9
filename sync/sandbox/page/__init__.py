"""The stand-in's page for people: a week of a calendar, and its switches."""
