"""The Sersic fits held against simulated truth."""
