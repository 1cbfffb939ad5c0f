"""The judge: measures galaxies in two files and says how far apart they are; it knows no model."""
