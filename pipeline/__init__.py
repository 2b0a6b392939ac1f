"""From the log to rows: the worker, its agents and everything an operator runs."""
