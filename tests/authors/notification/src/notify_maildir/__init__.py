"""Messages as files in a maildir."""
