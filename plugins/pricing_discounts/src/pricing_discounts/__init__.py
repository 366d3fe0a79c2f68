"""Discounts on lines as agreed, by volume, and on large orders."""
