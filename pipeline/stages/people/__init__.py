"""What is known about customers: who is who, what they bought, what they are due to buy again."""
