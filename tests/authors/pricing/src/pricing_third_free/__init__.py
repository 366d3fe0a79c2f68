"""Third free."""
