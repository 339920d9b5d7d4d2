"""Serve, then train, under drift: what recorded losses are worth while data change."""
