"""What subscriptions share: the slots of services that are followed, read and worked out once per process."""
