"""The proof of the foundation: processes are killed, paused and cut off; an oracle recounts."""
