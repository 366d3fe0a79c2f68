"""The cheapest products in stock, always at hand."""
