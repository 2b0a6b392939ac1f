"""What the demonstration needs: the stack as processes, what it found, and a judge of that."""
