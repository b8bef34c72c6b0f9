"""An option's tie to Google Calendar: its state, the steps to make it, rules on trial, and texts."""
