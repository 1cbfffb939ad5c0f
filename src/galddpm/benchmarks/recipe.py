"""What each part of small.yaml's recipe is worth: the recipe without it, after as many seconds."""

import tempfile
from pathlib import Path

import torch

from galddpm.benchmarks.contest import Contest, finite, train_in_turns

SECONDS, LOOKS = 120.0, 4  # of training of each, in turns
SEEDS = (0, 1)
CHANGES = {
    "recipe": [],
    "no means": ["network.means=[]"],
    "gates for means": ["network.means=[]", "network.gates=[1,3,7,15]"],
    "no coordinates": ["network.coordinates=false"],
    "no attention": ["network.attention=[]"],
    "patches of one pixel": ["network.patch_size=1"],
    "half as wide": ["network.channels=[32,48,64,64]", "network.bottleneck=64"],
    "levels not weighted": ["process.weighting=none"],
    "centre not weighted": ["process.centre_weight_radius=null"],
    "Huber loss from 1": ["process.huber_delta=1.0"],
    "levels of EDM": ["process.log_sigma_mean=-1.2", "process.log_sigma_std=1.2"],
    "AdamW": ["training.optimiser=adamw", "training.learning_rate=1.5e-3"],
    "batches of 32": ["training.batch_size=32"],
}


def run(device: torch.device) -> dict[str, float | None]:
    """The error of the light over the noise (`HeldOut.error`) of each row and seed."""
    with tempfile.TemporaryDirectory() as folder:
        contest = Contest(Path(folder), device)
        rows = {
            f"{name}, seed {seed}": contest.contestant([*changes, f"seed={seed}"])
            for name, changes in CHANGES.items()
            for seed in SEEDS
        }
        train_in_turns(rows.values(), SECONDS, LOOKS)
    return {name: finite(one.curve[-1][1]) for name, one in rows.items()}
