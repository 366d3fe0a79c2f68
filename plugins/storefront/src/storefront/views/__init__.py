"""The views: parse, ask the shop, render."""
