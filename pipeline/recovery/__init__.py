"""Clocks that ran ahead, before they do harm and after, and the plan of a rebuild."""
