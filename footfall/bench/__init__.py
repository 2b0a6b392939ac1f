"""`footfall bench`: the worker against the floor and against a plain Faust agent, in one run."""
