"""The learning rate as a function of the images seen."""

import math


def learning_rate(images_seen: int, peak: float, warm_up: int, images: int, decay: str) -> float:
    """A linear rise over `warm_up` images, then constant, or half a cosine to 0 at `images`."""
    if images_seen < warm_up:
        return peak * (images_seen + 1) / (warm_up + 1)
    if decay == "constant":
        return peak
    if decay == "cosine":
        passed = (images_seen - warm_up) / max(images - warm_up, 1)
        return peak * (1 + math.cos(math.pi * min(passed, 1.0))) / 2
    raise ValueError(f"decay: found {decay!r}, expected constant or cosine")
