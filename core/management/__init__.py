"""What is started from a command line, by a person or a clock: a door like the API."""
