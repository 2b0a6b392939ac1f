"""The demonstration: a made-up shop whose secrets are known, so that what is said of it can be judged."""
