"""What customers can book: the business, its options and services, and which option offers which service."""
