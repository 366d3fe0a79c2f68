"""Bargains."""
