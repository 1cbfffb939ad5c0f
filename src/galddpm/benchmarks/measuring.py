"""Sersic fits a second, beside statmorph's, on all cores."""

import itertools
from collections.abc import Callable

import numpy as np
import torch

from galddpm.benchmarks.timing import take_turns
from galddpm.evaluation.validation.fits import fit_ours, fit_theirs, warm_up
from galddpm.evaluation.validation.simulated import draw_truth
from galddpm.workers import worker_pool

STAMPS = 32  # in each range of signal-to-noise
CHUNK = 16  # stamps that a process takes at a time
TURNS = 3


def run(device: torch.device, jobs: int) -> dict[str, float]:
    """Detection, moments and fit together; for statmorph also its fit alone."""
    images = draw_truth(STAMPS).image
    chunks = [images[k : k + CHUNK] for k in range(0, len(images), CHUNK)]
    with worker_pool(jobs) as pool:
        work = map if pool is None else pool.map
        list(work(warm_up, [images[:1]] * jobs))
        contestants: dict[str, Callable[[], object]] = {
            "sersic": lambda: list(work(fit_ours, chunks)),
            "statmorph": lambda: list(work(fit_theirs, chunks)),
        }
        seconds = take_turns(contestants, device, turns=TURNS, warm_up=0)
        rows = itertools.chain.from_iterable(work(fit_theirs, chunks))
        alone = float(np.nanmean([row["seconds"] for row in rows]))
    figures = {f"{name}_per_second": len(images) / value for name, value in seconds.items()}
    figures["statmorph_fit_alone_per_second"] = jobs / alone
    figures["sersic_ratio"] = seconds["statmorph"] / seconds["sersic"]
    figures["fit_alone_ratio"] = figures["sersic_per_second"] * alone / jobs
    return figures
