"""What a galaxy is on disk and in the model's units."""
