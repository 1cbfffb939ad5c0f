"""Relations of mock galaxies that were never tuned, beside what is published of them: the colours
of red and blue ones, sizes at given mass, and how many galaxies lie around."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

from galddpm.arrays import Array, Floats, Ints
from galddpm.data import cosmology
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.survey import PIXEL_SCALE, ZERO_POINT
from galddpm.mock.measure import KRON_REACH, detect
from galddpm.mock.selection import EARLY, IRREGULAR, LATE
from galddpm.mock.shapes import LOG_SIZE, SIZE_Z
from galddpm.mock.spectra import FILTERS, band_photons
from galddpm.mock.surroundings import number_density, stars_brighter

# mean g-r, r-i and i-z [mag] of the red sequence in the Dark Energy Survey: coefficients of 1, z,
# z^2, z^3 (DeRose & Rykoff, in LSSTDESC/cosmodc2: mock_diagnostics/des_color_evolution.py)
RED_SEQUENCE = (
    (0.48, 4.98, -6.63, 2.91), (0.49, -1.42, 5.66, -3.54), (0.21, 0.79, -1.90, 1.83),
)  # fmt: skip
THEIR_FILTERS = tuple(f"decam2014-{band}" for band in "griz")
TRACK_Z, TRACK_WIDTH = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8), 0.05
PIVOT_MASS = (10.5, 10.9)  # log10 [sun], about the 5e10 that sizes are published at
SIZE_WIDTH = 0.25  # about the redshifts that they are published at
FEWEST, MOST = 5, 40  # galaxies in a line, and those that are fitted for one
AWAY, EDGE, SMALL = 18.0, 4.0, 400.0  # [pix], [pix], [pix2]: neighbours that nothing hides
KRON_FACTOR, KRON_LEAST = 2.5, 1.4  # PHOT_AUTOPARAMS 2.5, 3.5: at least 3.5 rms axes
COUNT_EDGES = np.arange(19.0, 24.1, 1.0)  # i [mag]


def colour_tracks(galaxies: GalaxyFile, true: Mapping[str, Array]) -> Iterator[str]:
    """Median colours of early and late types by redshift, and the published red sequence's."""
    names = [name.removeprefix("hsc2017-") for name in FILTERS[:4]]
    magnitudes = galaxies.numbers([f"{name}_cmodel_mag" for name in names])
    colours = magnitudes[:, :-1] - magnitudes[:, 1:]
    yield "redshift  early: g-r, r-i, i-z  red sequence      late: g-r, r-i, i-z  median i of each"
    for z in TRACK_Z:
        near = np.abs(true["redshift"] - z) < TRACK_WIDTH
        early = near & (true["kind"] == EARLY)
        late = near & np.isin(true["kind"], (LATE, IRREGULAR))
        if min(early.sum(), late.sum()) < FEWEST:
            continue
        medians = [_text(np.median(colours[kind], axis=0)) for kind in (early, late)]
        i = [np.median(magnitudes[kind, 2]) for kind in (early, late)]
        yield f"{z:8.1f}  {medians[0]:22}  {_text(red_sequence(z)):16}  {medians[1]:20}  {_text(i)}"


def red_sequence(redshift: float) -> Floats:
    """g-r, r-i and i-z [mag] in HSC's filters, (3,), of the published red sequence: by what the
    reddest spectrum has in these and in theirs."""
    theirs = np.array([np.polynomial.Polynomial(c)(redshift) for c in RED_SEQUENCE])
    turned: Floats = theirs + _reddest(FILTERS[:4], redshift) - _reddest(THEIR_FILTERS, redshift)
    return turned


def _reddest(filters: tuple[str, ...], redshift: float) -> Floats:
    """Colours [mag] of the reddest spectrum in neighbouring filters."""
    magnitudes = -2.5 * np.log10(band_photons("CWW_E", redshift, filters))
    return magnitudes[:-1] - magnitudes[1:]


def sizes_at_mass(true: Mapping[str, Array], r_eff: Floats) -> Iterator[str]:
    """log10 of the half-light radius [kpc] at 5e10 solar masses: the truth's, that of Sersic fits
    `r_eff` [pix] (N,), NaN where there is none, and the published one (van der Wel et al. 2014)."""
    yield "log r_eff [kpc] at 5e10 solar masses  galaxies  truth  fitted  published"
    kpc = cosmology.kpc_per_arcsec(true["redshift"]) * PIXEL_SCALE
    for late, title in enumerate(("early", "late")):
        for z, published in zip(SIZE_Z[1:4], LOG_SIZE[late][1:4], strict=True):
            chosen = at_pivot(true, late, z)
            chosen = chosen[np.isfinite(r_eff[chosen])]
            if len(chosen) < FEWEST:
                continue
            drawn, fitted = (
                np.log10(np.median(r[chosen] * kpc[chosen])) for r in (true["r_eff"], r_eff)
            )
            numbers = f"{len(chosen):8}  {drawn:5.2f}  {fitted:6.2f}  {published:9.2f}"
            yield f"{f'{title} at redshift {z:.2f}':36}  {numbers}"


def compared(true: Mapping[str, Array]) -> Ints:
    """Rows of the galaxies that `sizes_at_mass` looks at, in ascending order."""
    places = [at_pivot(true, late, z) for late in (0, 1) for z in SIZE_Z[1:4]]
    return np.unique(np.concatenate(places))


def at_pivot(true: Mapping[str, Array], late: int, redshift: float) -> Ints:
    """Rows of the first early (0) or late (1) galaxies near that redshift and 5e10 solar masses."""
    kinds = (LATE, IRREGULAR) if late else (EARLY,)
    heavy = (true["log_mass"] > PIVOT_MASS[0]) & (true["log_mass"] < PIVOT_MASS[1])
    near = np.abs(true["redshift"] - redshift) < SIZE_WIDTH
    return np.flatnonzero(heavy & near & np.isin(true["kind"], kinds))[:MOST]


def neighbour_counts(galaxies: GalaxyFile, rows: Ints) -> Iterator[str]:
    """Sources detected away from the centres of stamps, beside published counts of galaxies
    (Weaver et al. 2022) and stars at high latitude. rows: stamps of small galaxies."""
    images = galaxies.images(rows)[:, 2].astype(float)
    side = images.shape[-1]
    centre, area = (side - 1) / 2, (side - 2 * EDGE) ** 2 - np.pi * AWAY**2  # [pix2] of a stamp
    found = []
    for image in images:
        seen, _, data, _ = detect(image)
        x, y = seen["x"] - centre, seen["y"] - centre
        inside = np.maximum(np.abs(x), np.abs(y)) < centre - EDGE + 0.5
        found.append(magnitudes_of(seen[inside & (np.hypot(x, y) > AWAY)], data))
    counted, _ = np.histogram(np.concatenate([*found, []]), COUNT_EDGES)
    magnitudes, below = number_density()
    expected = np.diff(np.interp(COUNT_EDGES, magnitudes, below) + stars_brighter(COUNT_EDGES))
    expected *= len(rows) * area * (PIXEL_SCALE / 60) ** 2
    yield f"{f'sources beside {len(rows)} galaxies':36}  detected  published"
    for low, count, wanted in zip(COUNT_EDGES, counted, expected, strict=False):
        yield f"{f'i of {low:.0f} to {low + 1:.0f}':36}  {count:8}  {wanted:9.0f}"


def magnitudes_of(seen: Array, data: Floats) -> Floats:
    """Of sources that sep lists, in Kron apertures [mag]; sources without flux are left out."""
    import sep

    shape = seen["x"], seen["y"], seen["a"], seen["b"], seen["theta"]
    kron, _ = sep.kron_radius(data, *shape, KRON_REACH)
    flux, _, _ = sep.sum_ellipse(data, *shape, KRON_FACTOR * np.maximum(kron, KRON_LEAST))
    light: Floats = flux[flux > 0]
    return ZERO_POINT - 2.5 * np.log10(light)


def _text(numbers: Iterable[float]) -> str:
    return ", ".join(f"{number:.2f}" for number in numbers)
