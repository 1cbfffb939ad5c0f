"""A whole file measured, and its table on disk."""
