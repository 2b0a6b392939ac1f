"""Who may send what, how much of it, and what of a refused request is not kept."""
