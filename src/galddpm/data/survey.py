"""What Hyper Suprime-Cam's Wide layer is like: the one home of its numbers."""

BANDS = ("g", "r", "i", "z", "y")
PIVOT = {"g": 4791, "r": 6214, "i": 7689, "z": 8903, "y": 9772}  # wavelength [Angstrom]
ZERO_POINT = 27.0  # AB magnitude of one count in the coadds
PIXEL_SCALE = 0.168  # [arcsec/pix] of the coadds
# median FWHM of the PSF [arcsec] (Aihara et al. 2022, PDR3, Table 1, arXiv:2108.13045)
SEEING = {"g": 0.79, "r": 0.75, "i": 0.61, "z": 0.68, "y": 0.68}
MOFFAT_BETA = 3.0  # of most ground-based PSFs in the literature; their wings fall as r^-6
# of the real PSFs, whose wings fall as r^-4: Moffat profiles fitted, out to 14 pix, to the PSF
# models of two COSMOS scenes that come with scarlet (Melchior et al. 2018, arXiv:1802.10157)
WING_BETA = {"g": 2.21, "r": 2.07, "i": 2.09, "z": 1.98, "y": 1.79}
# rms of a sky pixel [count], from the published depths: five times the error of PSF photometry with
# the PSFs above, as catalogs state it, pixels taken as independent and of a variance that is short
# of the true one by 1.12^2 (so in PDR3 cutouts); tests/mock/test_sky.py does the sum
SKY_SIGMA = {"g": 0.0306, "r": 0.0447, "i": 0.0551, "z": 0.109, "y": 0.209}
DEPTH = {
    "g": 26.6,
    "r": 26.2,
    "i": 26.2,
    "z": 25.3,
    "y": 24.5,
}  # 5 sigma, point source [mag] (PDR2)
# electrons in a count, from exposure times and zero points
ELECTRONS_PER_COUNT = {"g": 3450, "r": 3330, "i": 5290, "z": 2250, "y": 1630}
