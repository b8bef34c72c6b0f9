"""An option's connection to Google Calendar: its state, signing in and linking, previews of rules, and templates."""
