"""Every third piece of a product is free."""
