"""The training loop and what it must remember."""
