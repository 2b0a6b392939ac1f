"""What an operator runs: both roles at once, questions to the warehouse, a check-up."""
