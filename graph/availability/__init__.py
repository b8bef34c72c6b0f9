"""When something can be booked: slots, why not, and slots that are followed."""
