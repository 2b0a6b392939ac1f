"""One page per source, made from what its code says of itself. `python -m collectors.sources` writes them."""
