"""Maps from tensors to tensors."""
