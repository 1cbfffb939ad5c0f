"""How good a denoiser is after so many seconds of training, beside diffusers' U-Net of equal size
in the same loop: the recipe of small.yaml, on the same mock galaxies, in turns."""

import tempfile
from pathlib import Path

import numpy as np
import torch

from galddpm import build
from galddpm.benchmarks import peers
from galddpm.benchmarks.contest import Contest, finite, train_in_turns
from galddpm.config.schema import Config
from galddpm.diffusion.denoiser import LightDenoiser

SECONDS, LOOKS = 240.0, 16  # of training of each, and how often it is looked at meanwhile
PEER_CHANNELS, PEER_ATTENTION = (48, 64, 96, 96), 8  # as many parameters as ours


def run(device: torch.device) -> dict[str, float | None]:
    with tempfile.TemporaryDirectory() as folder:
        contest = Contest(Path(folder), device)
        ours, theirs = contest.contestant(), contest.contestant(peer=with_diffusers_network)
        train_in_turns([ours, theirs], SECONDS, LOOKS)
    goal = theirs.curve[-1][1]
    figures: dict[str, float | None] = {}
    for name, one in {"ours": ours, "diffusers": theirs}.items():
        figures |= {f"{name}_error": finite(one.curve[-1][1]), f"{name}_steps": one.steps}
    reached = seconds_to(goal, ours.curve)
    return figures | {
        "seconds": SECONDS,
        "seconds_to_diffusers_error": finite(reached),
        "ratio": SECONDS / reached,
    }


def with_diffusers_network(config: Config, ours: LightDenoiser) -> LightDenoiser:
    """The same with diffusers' U-Net, added to what passes of an image."""
    device = next(ours.parameters()).device
    torch.manual_seed(config.seed)
    network = build.channels_last(peers.RedshiftUNet(config, PEER_CHANNELS, PEER_ATTENTION), device)
    return LightDenoiser(network, ours.schedule, ours.noise, ours.sigma_data).to(device)


def seconds_to(goal: float, curve: list[tuple[float, float]]) -> float:
    """When an error was first reached, between looks in proportion to its logarithm; before the
    first look, that look; infinite where it never was."""
    for before, (after, error) in enumerate(curve, -1):
        if error > goal:
            continue
        if before < 0:
            return after
        start, worse = curve[before]
        share = np.log(worse / goal) / np.log(worse / error)
        return float(start + share * (after - start))
    return np.inf
