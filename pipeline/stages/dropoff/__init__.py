"""Where people give up: what forward means on a page, how many usually go on, and what just broke."""
