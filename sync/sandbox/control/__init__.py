"""What people and tests tell the stand-in to do: faults, moods, trouble."""
