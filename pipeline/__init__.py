"""From the log to rows: the worker, its engine and its stages."""
