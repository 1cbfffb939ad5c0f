"""How fast: our parts beside those of other libraries, and beside what the machine can do."""
