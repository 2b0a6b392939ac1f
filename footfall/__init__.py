"""What starts and shows everything: the command, its operations, the demonstration, measurements."""
