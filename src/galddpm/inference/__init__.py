"""Using trained models: galaxies from redshifts, and redshifts from images."""
