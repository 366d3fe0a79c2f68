"""Keeps the published products of a shop warm in its cache."""
