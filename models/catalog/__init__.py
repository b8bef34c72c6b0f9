"""What customers can book: options, services, which option offers which service, time off. Rows and their verbs."""
