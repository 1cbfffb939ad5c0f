"""One stamp in, one row out."""
