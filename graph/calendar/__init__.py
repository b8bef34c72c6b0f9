"""The calendar: everything that takes or shows time."""
