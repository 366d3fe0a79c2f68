"""A Stripe-shaped and a PayPal-shaped payment provider for development, on a port of their own."""
