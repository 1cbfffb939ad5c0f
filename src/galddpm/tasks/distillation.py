"""What the training of a student takes from its teacher: weights, scaling and solved noises."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galddpm import build
from galddpm.config.schema import Config
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.pairs import PairStream, stored_states
from galddpm.data.redshift_density import rarity_weights, resampled
from galddpm.diffusion.student import states
from galddpm.errors import UserError
from galddpm.inference.generator import Generator
from galddpm.inference.model_file import model_path

SHARED = ("scaling", "redshift", "process", "network")  # sections in which both must agree
SHARED_DATA = ("bands", "image_size")
# noise_id of the first noise, beyond any of sample.py: no student is judged on what it learned
FIRST = 2**63
SOLVER = "sky_2m, 1"  # its name and version: other pairs are solved anew


class Teacher:
    """A trained generator, solved for the pairs of a student's config.

    Raises UserError where there is none, or one of another kind than the student's.
    """

    def __init__(self, config: Config):
        self.config, path = config, model_path(config.student.teacher)
        self.generator = Generator.load(path)
        held = self.generator.config
        if held.student:
            raise UserError(f"{path}: student.teacher: found a student, expected its teacher")
        for part in SHARED:
            if getattr(held, part) != getattr(config, part):
                raise UserError(f"{path}: student.teacher: its section {part} differs")
        for part in SHARED_DATA:
            if getattr(held.data, part) != getattr(config.data, part):
                raise UserError(f"{path}: student.teacher: its data.{part} differs")
        self.fingerprint = hashlib.sha256(path.read_bytes()).hexdigest()[:32]

    def stream(self, galaxies: GalaxyFile, run: Path, progress: Callable) -> PairStream:
        """Batches of solved noises, which are made on first use and kept in the run folder."""
        config = self.config
        redshift = self._redshifts(galaxies.redshift)
        jumps = build.jumps(config, self.generator.scaling)
        shape = (len(jumps), len(redshift), *galaxies.shape[1:])
        solved = self._solved(redshift, jumps[:-1], progress)
        path = run / "cache" / f"pairs-{self._contents(redshift)}.npy"
        return PairStream(
            stored_states(path, shape, solved),
            redshift,
            config.training.batch_size,
            config.seed,
            config.data.symmetries,
            self.generator.device,
        )

    def _redshifts(self, known: NDArray) -> NDArray:
        """Those of the training set in random order, as often as needed, with the jitter."""
        count, rng = self.config.student.pairs, np.random.default_rng(self.config.seed)
        if self.config.data.rarity:
            known = known[resampled(rarity_weights(known, self.config.data.rarity), rng)]
        drawn = np.resize(rng.permutation(known), count)
        return drawn + self.config.redshift.jitter * rng.standard_normal(count)

    def _contents(self, redshift: NDArray) -> str:
        """A name for the pairs that depends on all that they depend on."""
        config = self.config
        _, levels = build.teacher_solver(config, self.generator.scaling)
        made_by = (self.fingerprint, SOLVER, levels, config.sampling)
        settings = (config.seed, config.student, redshift.tobytes())
        return hashlib.sha256(repr((*made_by, *settings)).encode()).hexdigest()[:16]

    def _solved(self, redshift: NDArray, kept: list, progress: Callable) -> Iterator[NDArray]:
        solve, levels = build.teacher_solver(self.config, self.generator.scaling)
        solve = partial(states, solve=solve, kept=kept)
        size = self.config.sampling.batch_size
        for start in progress(range(0, len(redshift), size)):
            z = redshift[start : start + size]
            noise_id = range(FIRST + start, FIRST + start + len(z))
            yield self.generator.solve(solve, levels, z, self.config.seed, noise_id).numpy()
