"""Where the collector writes: one contract, the embedded log and Kafka, and what stands before them."""
