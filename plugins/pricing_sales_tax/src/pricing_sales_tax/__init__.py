"""Sales tax and VAT: a rate per country, region and kind of goods."""
