"""Processes that commands start and end, and the folders and signals that go with them."""
