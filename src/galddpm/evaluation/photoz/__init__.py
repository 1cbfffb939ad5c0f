"""The redshifts that a CNN sees."""
