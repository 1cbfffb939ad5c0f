"""What Hyper Suprime-Cam's Wide layer is like: the one home of its numbers."""

BANDS = ("g", "r", "i", "z", "y")
ZERO_POINT = 27.0  # AB magnitude of one count in the coadds
PIXEL_SCALE = 0.168  # [arcsec/pix] of the coadds
# median FWHM of the PSF [arcsec] (Aihara et al. 2022, PDR3, Table 1, arXiv:2108.13045)
SEEING = {"g": 0.79, "r": 0.75, "i": 0.61, "z": 0.68, "y": 0.68}
MOFFAT_BETA = 3.0  # of the mock's PSF, as of most ground-based ones; its wings fall as r^-6
# of the real PSFs, whose wings fall as r^-4: Moffat profiles fitted, out to 14 pix, to the PSF
# models of two COSMOS scenes that come with scarlet (Melchior et al. 2018, arXiv:1802.10157)
WING_BETA = {"g": 2.21, "r": 2.07, "i": 2.09, "z": 1.98, "y": 1.79}
# rms of a sky pixel [count], which follows from the 5 sigma depths and the seeing
SKY_SIGMA = {"g": 0.041, "r": 0.062, "i": 0.076, "z": 0.157, "y": 0.328}
# electrons in a count, from exposure times and zero points
ELECTRONS_PER_COUNT = {"g": 3450, "r": 3330, "i": 5290, "z": 2250, "y": 1630}
NEIGHBOUR_CORRELATION = 0.2  # of the noise in adjacent pixels, which resampling leaves
