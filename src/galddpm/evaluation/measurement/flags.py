"""What can be wrong with a measurement: one table of bits, and what each of them means.

Both flag columns of a catalog, `flag` and `flag_sersic`, are sums of these bits.
"""

from enum import IntFlag


class Flag(IntFlag):
    """The bits. 0 means that nothing was found to be wrong."""

    UNDETECTED = 1
    BAD_PIXELS = 2
    EDGE = 4
    DEBLENDED = 8
    OFF_CENTRE = 16
    SATURATED = 32
    KRON_FAILED = 64
    KRON_CUT = 128
    HALF_LIGHT_FAILED = 256
    NOT_SELECTED = 512
    STATMORPH_SUSPECT = 1024
    STATMORPH_BAD = 2048
    STATMORPH_FAILED = 4096
    SERSIC_BAD = 8192
    NO_REDSHIFT = 16384
    MASKED = 32768
    SERSIC_POOR = 65536
    STRUCTURE_FAILED = 131072


MEANING = {
    Flag.UNDETECTED: "no source at the stamp's centre: nothing measured",
    Flag.BAD_PIXELS: "a pixel is not finite, or the stamp has no noise: nothing measured",
    Flag.EDGE: "the segment reaches the stamp's edge: sizes and flux are lower limits",
    Flag.DEBLENDED: "the segment was parted from a neighbour that it touched",
    Flag.OFF_CENTRE: "no segment under the stamp's centre: the nearest centroid was taken",
    Flag.SATURATED: "several pixels share the brightest value",
    Flag.KRON_FAILED: "no Kron radius or no positive flux: flux, snr, half_light_radius are NaN",
    Flag.KRON_CUT: "the Kron aperture reaches over the stamp's edge: flux is a lower limit",
    Flag.HALF_LIGHT_FAILED: "no circle holds half of the flux: half_light_radius is NaN",
    Flag.NOT_SELECTED: "outside the random subset for statmorph: its columns are NaN",
    Flag.STATMORPH_SUSPECT: "statmorph's flag is 1: suspect",
    Flag.STATMORPH_BAD: "statmorph's flag is 2: bad; left out of the comparison",
    Flag.STATMORPH_FAILED: "statmorph could not measure this source: its columns are NaN",
    Flag.SERSIC_BAD: "the Sersic fit did not settle, or a parameter reached its limit",
    Flag.NO_REDSHIFT: "no redshift was estimated from the image: z_phot is NaN",
    Flag.MASKED: "artefacts, or pixels of exactly zero inside the stamp, were masked",
    Flag.SERSIC_POOR: "the Sersic model leaves too much of the light unexplained: no fit",
    Flag.STRUCTURE_FAILED: "no Petrosian radius: Gini, M20, concentration and the like are NaN",
}
