"""The rules of the house: pure Python, no clock, no database, no Django."""
