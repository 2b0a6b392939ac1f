"""What runs any stage: batches, outputs, state and its transports. It knows no stage by name."""
