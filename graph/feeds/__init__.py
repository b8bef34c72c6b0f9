"""What subscriptions are fed from, read once per process: the changes of a business, and the slots of services."""
