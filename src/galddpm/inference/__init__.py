"""What a trained model is used by: galaxies from redshifts, redshifts from images."""
