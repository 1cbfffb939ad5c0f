"""What the training of a student takes from its teacher: weights, scaling and solved noises."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from galddpm import build
from galddpm.config import Config
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.pairs import PairStream, stored_states
from galddpm.diffusion.student import states
from galddpm.errors import UserError
from galddpm.generator import Generator

SHARED = ("scaling", "redshift", "process", "network")  # sections in which both must agree


class Teacher:
    """A trained generator, solved for the pairs of a student's config.

    Raises UserError where there is none, or one of another kind than the student's.
    """

    def __init__(self, config: Config):
        self.config, path = config, config.student.teacher
        self.generator = Generator.load(path)
        if self.generator.config.student:
            raise UserError(f"{path}: student.teacher: found a student, expected its teacher")
        for section in SHARED:
            if getattr(self.generator.config, section) != getattr(config, section):
                raise UserError(f"{path}: student.teacher: its section {section} differs")

    def stream(self, galaxies: GalaxyFile, run: Path, progress: Callable) -> PairStream:
        """Batches of solved noises, which are made on first use and kept in the run folder."""
        config = self.config
        redshift = self._redshifts(galaxies.redshift)
        jumps = build.sampler(config, None, None)[1]
        shape = (len(jumps), len(redshift), *galaxies.shape[1:])
        solved = self._solved(redshift, jumps[:-1], progress)
        return PairStream(
            stored_states(run / "cache" / "pairs.npy", shape, solved),
            redshift,
            config.training.batch_size,
            config.seed,
            config.data.symmetries,
            self.generator.device,
        )

    def _redshifts(self, known: NDArray) -> NDArray:
        """Those of the training set in random order, as often as needed, with the jitter."""
        count, rng = self.config.student.pairs, np.random.default_rng(self.config.seed)
        drawn = np.resize(rng.permutation(known), count)
        return drawn + self.config.redshift.jitter * rng.standard_normal(count)

    def _solved(self, redshift: NDArray, kept: list, progress: Callable) -> Iterator[list]:
        solve, levels = partial(states, kept=kept), build.teacher_levels(self.config)
        size = self.config.sampling.batch_size
        for start in progress(range(0, len(redshift), size)):
            rows = range(start, min(start + size, len(redshift)))
            z = redshift[rows.start : rows.stop]
            found = self.generator.walk(solve, levels, z, self.config.seed, rows)
            yield [state.float().cpu().numpy() for state in found]
