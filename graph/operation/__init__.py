"""One operation, however it came: whether it may run, and how it is executed. Knows no noun."""
