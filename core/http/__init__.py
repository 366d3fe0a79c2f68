"""The doors on the web: the API, webhooks and what pages of plugins are handed."""
