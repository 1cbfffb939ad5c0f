"""Inputs that are wrong, drawn from a seed, and what commands have to make of them."""
