"""The shell around the house: settings, addresses and the ways to start it."""
