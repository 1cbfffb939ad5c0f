"""Small sets of simple galaxies in the GalaxiesML schema, made with NumPy alone in a second or two.

One Sersic component a galaxy (index 1 or 4), a Gaussian PSF, white noise. Fluxes fall, sizes shrink
and colours redden through a step at rest-frame 0.4 micron as the redshift grows, so that a judge or
a redshift estimator has something to see. Noise and seeing are those of HSC Wide.
"""

from pathlib import Path

import numpy as np

from galddpm.data.galaxiesml import write_galaxies

WAVELENGTH = (0.479, 0.621, 0.769, 0.890, 0.977)  # [micron] pivots of g, r, i, z, y
FWHM = (0.79, 0.75, 0.61, 0.68, 0.68)  # [arcsec] seeing of HSC Wide
NOISE = (0.041, 0.062, 0.076, 0.157, 0.328)  # [count] rms of a pixel at zero point 27
PIXEL = 0.168  # [arcsec]
ZERO_POINT = 27.0  # [mag]
SUBPIXELS = 3  # profiles are averaged over this many points a side of a pixel
SERSIC_B = {1: 1.678, 4: 7.669}  # half of the light lies inside r_eff


def simple_galaxies(
    n: int, seed: int = 0, size: int = 64, bands: int = 5, dim: float = 1.0
) -> dict[str, np.ndarray]:
    """Columns of n galaxies: image (n, bands, size, size) [count], specz_redshift, object_id.

    dim: factor of the light, not of the noise.
    """
    rng = np.random.default_rng(seed)
    redshift = np.clip(rng.gamma(1.8, 0.35, n), 0.02, 4.0)
    band = np.linspace(0, 4, bands)
    fwhm, noise = (np.interp(band, range(5), table) for table in (FWHM, NOISE))
    profiles = np.stack([draw_profile(rng, z, size) for z in redshift])
    blurred = blur(profiles[:, None], fwhm / PIXEL / 2.3548)
    image = dim * blurred * band_flux(rng, redshift, band)[:, :, None, None]
    image += noise[:, None, None] * rng.standard_normal(image.shape)
    object_id = 36_000_000_000_000_001 + 1_000_003 * np.arange(n, dtype=np.int64) + 10**12 * seed
    return {"image": image.astype(np.float32), "specz_redshift": redshift, "object_id": object_id}


def write_simple(path: Path | str, n: int, **keywords) -> Path:
    """Write `simple_galaxies(n, **keywords)` to an HDF5 file and return its path."""
    write_galaxies(Path(path), simple_galaxies(n, **keywords), None)
    return Path(path)


def draw_profile(rng: np.random.Generator, redshift: float, size: int) -> np.ndarray:
    """One profile of unit flux, (size, size), centred within half a pixel of the stamp's centre."""
    index = 4 if rng.random() < 0.3 else 1
    r_eff = np.clip(8.0 * (1 + redshift) ** -1.2 * rng.lognormal(0, 0.35), 0.8, 12.0)  # [pix]
    axis_ratio, angle = rng.uniform(0.3, 1.0), rng.uniform(0, np.pi)
    x_0, y_0 = (size - 1) / 2 + rng.uniform(-0.5, 0.5, 2)
    fine = (np.arange(size * SUBPIXELS) + 0.5) / SUBPIXELS - 0.5
    x, y = fine[None, :] - x_0, fine[:, None] - y_0
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    radius = np.hypot(along * np.sqrt(axis_ratio), across / np.sqrt(axis_ratio)) / r_eff
    light = np.exp(-SERSIC_B[index] * radius ** (1 / index))
    pixels = light.reshape(size, SUBPIXELS, size, SUBPIXELS).mean(axis=(1, 3))
    return pixels / pixels.sum()


def band_flux(rng: np.random.Generator, redshift: np.ndarray, band: np.ndarray) -> np.ndarray:
    """Fluxes [count] as (n, bands): an i magnitude that dims with redshift, a break that moves."""
    magnitude = 18.8 + 3.2 * np.tanh(redshift) + rng.normal(0, 0.6, len(redshift))
    wavelength = np.interp(band, range(5), WAVELENGTH)
    stretch = 1 + redshift[:, None]
    colour = spectrum(wavelength / stretch) / spectrum(0.769 / stretch)
    return 10 ** (0.4 * (ZERO_POINT - magnitude[:, None])) * colour


def spectrum(wavelength: np.ndarray) -> np.ndarray:
    """Flux density of every galaxy at a rest-frame wavelength [micron]: a step on a slope."""
    return 0.25 + 0.3 * wavelength + 1 / (1 + np.exp((0.4 - wavelength) / 0.03))


def blur(images: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Convolve (n, 1, size, size) with Gaussians of `sigma` (bands,) [pix]: one image a band."""
    size = images.shape[-1]
    k_y, k_x = np.fft.fftfreq(size), np.fft.rfftfreq(size)
    k_2 = k_y[:, None] ** 2 + k_x[None] ** 2
    kernel = np.exp(-2 * np.pi**2 * np.asarray(sigma)[:, None, None] ** 2 * k_2)
    return np.fft.irfft2(np.fft.rfft2(images) * kernel, s=(size, size))
