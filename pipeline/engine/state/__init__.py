"""A stage's state for one partition: keyed values, their deltas and snapshots."""
