"""Ways of shipping, by country and value of the goods, and fees."""
