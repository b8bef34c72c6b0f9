"""What can be booked: the business, its options and services, who offers what, and time off."""
