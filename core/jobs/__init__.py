"""Who calls the use cases that nobody waits for, and when."""
