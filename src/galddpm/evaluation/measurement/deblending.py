"""Parting a segment that holds several sources: thresholds between its faintest and brightest pixel
grow a tree, and where two or more branches hold enough light above a threshold, each is a source.

This is SExtractor's tree (Bertin & Arnouts 1996, section 4); the pixels around the branches go to
them by watershed.
"""

import numpy as np
from scipy import ndimage
from skimage.segmentation import watershed

from galddpm.arrays import Bools, Floats, Ints

LEVELS = 32  # thresholds
CONTRAST = 0.005  # share of the light, as for the data set's own catalog
EIGHT = np.ones((3, 3), dtype=bool)  # pixels are connected by sides or corners


def parted(light: Floats, segment: Bools, least: int) -> Ints:
    """The sources of a segment, (H, W): numbers from 1, 0 outside; all 1 where there is one source.

    light: (H, W) [count], positive inside the segment; least: pixels of a source.
    """
    low, high, total = light[segment].min(), light[segment].max(), light[segment].sum()
    branches = segment.astype(int)
    for level in low * (high / low) ** (np.arange(1, LEVELS + 1) / (LEVELS + 1)):
        labels, count = ndimage.label(segment & (light > level), EIGHT)
        if count > 1:
            size = np.bincount(labels.ravel())
            above = np.bincount(labels.ravel(), light.ravel()) - level * size
            branches = split(branches, labels, (size >= least) & (above > CONTRAST * total))
    if branches.max() == 1:
        return branches
    sources: Ints = watershed(-light, branches, mask=segment, connectivity=EIGHT)
    return sources


def split(branches: Ints, labels: Ints, counts: Bools) -> Ints:
    """The branches, each replaced by its parts where two or more of these count.

    labels: (H, W), the parts, each inside one branch or outside of all; counts: of each label.
    """
    parent = np.zeros(len(counts), dtype=int)
    parent[labels.ravel()] = branches.ravel()
    parent[~counts] = 0
    parent[0] = 0  # what lies below the threshold
    torn = np.bincount(parent, minlength=branches.max() + 1) > 1
    torn[0] = False
    if not torn.any():
        return branches
    parts = np.where(torn[parent], np.arange(len(counts)) + branches.max(), 0)[labels]
    _, numbered = np.unique(np.where(torn[branches], parts, branches), return_inverse=True)
    return numbered.reshape(labels.shape)
