"""How far apart two catalogs or two sets of images are."""
