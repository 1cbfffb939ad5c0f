"""What discs have beyond a smooth profile: arms, rings, flocculence and dust, pixel by pixel.

A disc is drawn in its own plane, at radius R and azimuth psi of each pixel, as two populations of
stars: old ones, nearly smooth, and young ones, that lie along the arms. Dust takes part of the
light of both. A disc keeps the flux that was asked for in every band: structure and dust move light
about, the galaxy's colour is that of its populations.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.fft
from scipy.ndimage import gaussian_filter

from galddpm.arrays import Array, Floats
from galddpm.data.survey import BANDS, PIVOT
from galddpm.mock.profiles import EXPONENTIAL, moved

OLD_CONTRAST = np.float32(0.25)  # of arms in old stars, in the logarithm, over that in young ones
FAINTEST = 13.0  # a disc is drawn to where its smooth light is exp(-13) of its centre's
STEEPENING = 2.0  # inner over outer scale length of a truncated disc (Pohlen & Trujillo 2006)
RING_WIDTH = 0.35  # [scale length]
TEXTURE = (256, 512)  # cells along ln R and azimuth, periodic
TEXTURE_SPAN = 4.0  # of ln R, after which the texture repeats
TEXTURE_GRAIN = (5, 12)  # [cell]
TEXTURE_SEED = 20
DUST_SLOPE = -0.7  # of optical depth with wavelength (Charlot & Fall 2000)
DUST_LENGTH = 1.4  # of the dust, in scale lengths of the stars (Xilouris et al. 1999)
EDGE_ON = 0.4  # axis ratio below which a disc shows its dust as a lane
LANE, LANE_DEPTH = (
    0.1,
    5.0,
)  # rms thickness [scale length]; depth through an edge-on disc over face-on


@dataclass(frozen=True)
class Disc:
    """An inclined exponential disc with structure."""

    old: Floats  # (5,) [count]
    young: Floats  # (5,) [count]
    place: Floats  # (2,) x, y from the stamp's centre [pix]
    r_eff: float  # half-light radius along the major axis [pix]
    axis_ratio: float
    angle: float  # [rad]
    redshift: float
    arms: int  # 0: none
    pitch: float  # [rad], signed: the sense of the winding
    strength: float  # of the arms in young light; half the logarithm of crest over trough
    phase: float  # [rad]
    inner: float  # radius where arms begin, the end of a bar [scale length]
    edge: float  # radius from which the profile falls more steeply [scale length]
    ring: float  # radius of a ring [scale length], 0: none
    flocculence: float  # rms of the logarithm of young light
    dust: float  # optical depth in V through the whole disc, face-on, at its centre
    texture: tuple[int, int]  # where its flocculence begins in the common texture


def disc_wave(disc: Disc, canvas: int) -> Array:
    """Transform (5, canvas, canvas // 2 + 1) of a disc, complex64, before PSF and pixel."""
    light, fine = disc_light(disc, canvas), fineness(disc)
    wave = scipy.fft.rfft2(light, s=(fine * canvas, fine * canvas))
    half = canvas // 2
    low = np.concatenate([wave[:, :half], wave[:, -half:]], axis=1)[:, :, : half + 1]
    return low * moved(disc.place - light.shape[1] // 2 // fine, canvas)


def disc_light(disc: Disc, canvas: int) -> Floats:
    """Light (5, side, side) [count] around pixel side // 2, on pixels finer by `fineness`; side
    takes in what can be seen of the disc, and at most the canvas."""
    x, y, across = _plane(disc, canvas)
    log_r = np.float32(0.5) * np.log(x**2 + y**2 + np.float32(0.01))
    r = np.exp(log_r)
    winding = np.arctan2(y, x) - log_r / np.float32(np.tan(disc.pitch))  # the same along an arm
    beyond = np.maximum(r - np.float32(disc.edge), 0)
    smooth = np.exp(-r - np.float32(STEEPENING - 1) * beyond)
    arms = _arms(disc, r, winding)
    contrast = np.float32(disc.strength) * arms
    old, young = (
        smooth * np.exp(OLD_CONTRAST * contrast),
        smooth * np.exp(contrast + np.float32(disc.flocculence) * _texture(disc, winding, log_r)),
    )
    if disc.ring:
        ring = smooth * np.exp(-((r - np.float32(disc.ring)) ** 2) / np.float32(RING_WIDTH**2))
        young += ring * (young.sum() / ring.sum())
    slab, lane = _dust(disc, r, across, arms)
    inside = _share_on_canvas(smooth, disc)
    bands = zip(extinction(disc.redshift), disc.old, disc.young, strict=True)
    return np.stack([
        inside * _dimmed(old * np.float32(a / old.sum()) + young * np.float32(b / young.sum()),
                         k * slab, None if lane is None else k * lane, a + b)
        for k, a, b in bands
    ])  # fmt: skip


def fineness(disc: Disc) -> int:
    """2 for discs so small or so thin that a pixel would hide their slope."""
    return 2 if disc.r_eff * disc.axis_ratio < 4 else 1


def extinction(redshift: float) -> Floats:
    """Optical depth (5,) in each band over that in V at rest, float32."""
    rest = np.array([PIVOT[band] for band in BANDS]) / (1 + redshift)
    return ((rest / 5500) ** DUST_SLOPE).astype(np.float32)


def _plane(disc: Disc, canvas: int) -> tuple[Floats, Floats, Floats]:
    """x, y in the disc and the distance from its major axis on the sky [scale length]."""
    fine = fineness(disc)
    half = fine * min(canvas // 2, int(np.ceil(_reach(disc))))
    pixel = np.arange(-half, half, dtype=np.float32) / np.float32(fine)  # [pix]
    unit = np.float32(EXPONENTIAL / disc.r_eff)
    cosine, sine = unit * np.float32(np.cos(disc.angle)), unit * np.float32(np.sin(disc.angle))
    across = cosine * pixel[:, None] - sine * pixel
    return cosine * pixel + sine * pixel[:, None], across / np.float32(disc.axis_ratio), across


def _reach(disc: Disc) -> float:
    """Radius at which the smooth light has fallen to exp(-FAINTEST) of the centre's [pix]."""
    bent = (FAINTEST + (STEEPENING - 1) * disc.edge) / STEEPENING
    return disc.r_eff / float(EXPONENTIAL) * min(FAINTEST, max(bent, disc.edge))


def _arms(disc: Disc, r: Floats, winding: Floats) -> Floats:
    """-1 between the arms to 1 on their crests; 0 inside the bar, and everywhere without arms."""
    if not disc.arms:
        return np.zeros_like(r)
    crest = np.cos(np.float32(disc.arms) * winding + np.float32(disc.phase))
    arms: Floats = crest / (1 + np.exp(np.float32(-6) * (r - np.float32(disc.inner))))
    return arms


def _texture(disc: Disc, winding: Floats, log_r: Floats) -> Floats:
    """Flocculence of unit rms: patches that are drawn out along the winding of the arms."""
    rows, columns = TEXTURE
    across = (log_r * np.float32(rows / TEXTURE_SPAN)).astype(np.int32) + disc.texture[0]
    along = (winding * np.float32(columns / (2 * np.pi))).astype(np.int32) + disc.texture[1]
    return _common_texture()[across % rows, along % columns]


def _dust(disc: Disc, r: Floats, across: Floats, arms: Floats) -> tuple[Floats, Floats | None]:
    """Optical depths in V: of dust mixed with the stars, and of an edge-on disc's lane."""
    depth = np.float32(disc.dust) * np.exp(r * np.float32(-1 / DUST_LENGTH))
    lane = None
    if disc.axis_ratio < EDGE_ON:
        hidden = LANE_DEPTH * (1 - disc.axis_ratio / EDGE_ON)
        lane = (
            np.float32(hidden) * depth * np.exp(np.float32(-0.5) * (across / np.float32(LANE)) ** 2)
        )
    return depth * (1 + np.float32(0.7) * arms) / np.float32(max(disc.axis_ratio, 0.3)), lane


def _dimmed(light: Floats, slab: Floats, lane: Floats | None, flux: float) -> Floats:
    """Light behind dust, of the same flux as before."""
    seen = light / (1 + slab / 2)  # close to (1 - exp(-t)) / t, of stars and dust in one slab
    if lane is not None:
        seen = seen * np.exp(-lane)
    return seen * np.float32(flux / seen.sum())


def _share_on_canvas(smooth: Floats, disc: Disc) -> np.float32:
    """How much of a disc's smooth light falls on the canvas."""
    area = (disc.r_eff / EXPONENTIAL * fineness(disc)) ** 2 * disc.axis_ratio  # of a square of h
    outer = np.exp(-disc.edge)
    whole = 1 - (1 + disc.edge) * outer + outer * (disc.edge / STEEPENING + STEEPENING**-2)
    return np.float32(min(smooth.sum() / (2 * np.pi * area * whole), 1.0))


@lru_cache(maxsize=1)
def _common_texture() -> Floats:
    """Gaussian noise of unit rms, smooth over a few cells, that every disc reads elsewhere."""
    white = np.random.default_rng(TEXTURE_SEED).standard_normal(TEXTURE)
    smooth = gaussian_filter(white, TEXTURE_GRAIN, mode="wrap")
    unit: Floats = (smooth / smooth.std()).astype(np.float32)
    return unit
