"""Training a student: weights, scaling and solved noises come from a trained teacher."""

import hashlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from galddpm import build
from galddpm.arrays import Floats
from galddpm.config.schema import Config
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.data.pairs import PairBatch, PairStream, stored_states
from galddpm.data.redshift_density import redshift_weights, resampled
from galddpm.data.scaling import Scaling
from galddpm.diffusion.denoiser import Denoiser
from galddpm.diffusion.schedule import Level
from galddpm.diffusion.student import Student, states, student_losses
from galddpm.errors import UserError
from galddpm.inference.generator import Generator
from galddpm.inference.model_file import model_fingerprint, model_path
from galddpm.inference.preview import Previewer
from galddpm.tasks.task import Task

SHARED = (
    "scaling",
    "redshift",
    "conditions",
    "process",
    "network",
)  # sections in which both must agree
SHARED_DATA = ("bands", "image_size")
# noise_id of the first noise, beyond any of sample.py: no student is judged on what it learned
FIRST = 2**63
SOLVER = "light, 2"  # name and version of how pairs are solved: others are solved anew


class Distillation(Task):
    """The task of a config with a distillation section.

    Raises UserError where there is no teacher, or one of another kind than the student's.
    """

    config: Config

    def __init__(self, config: Config, device: str | torch.device | None = None):
        assert config.distillation is not None  # what makes it this task
        self.config, path = config, model_path(config.distillation.teacher)
        self.pairs = config.distillation.pairs
        self.teacher = Generator.load(path, device=device)
        held = self.teacher.config
        if held.distillation:
            raise UserError(f"{path}: distillation.teacher: found a student, expected its teacher")
        for part in SHARED:
            if getattr(held, part) != getattr(config, part):
                raise UserError(f"{path}: distillation.teacher: its section {part} differs")
        for part in SHARED_DATA:
            if getattr(held.data, part) != getattr(config.data, part):
                raise UserError(f"{path}: distillation.teacher: its data.{part} differs")
        self.fingerprint = model_fingerprint(path)
        self.provenance = {"teacher": self.fingerprint}
        self.inspect_every = config.training.preview_every

    def make_scaling(self, galaxies: GalaxyFile) -> Scaling:
        return self.teacher.scaling

    def make_model(self, scaling: Scaling, device: torch.device) -> Student:
        student = build.make_student(self.config, scaling, device)
        student.parts = self.config.training.parts
        assert isinstance(self.teacher.denoiser, Denoiser)  # and no student
        student.network.load_state_dict(self.teacher.denoiser.network.state_dict())
        return student

    def make_batches(
        self,
        galaxies: GalaxyFile,
        scaling: Scaling,
        device: torch.device,
        run: Path,
        progress: Callable[..., Any],
    ) -> PairStream:
        """Solved noises, which are made on first use and kept in the run folder."""
        config = self.config
        redshift = self._redshifts(galaxies.redshift)
        levels = build.make_student_levels(config, scaling)
        shape = (len(levels), len(redshift), *galaxies.shape[1:])
        solved = self._solved(redshift, levels[:-1], progress)
        path = run / "cache" / f"pairs-{self._contents(redshift)}.npy"
        return PairStream(
            stored_states(path, shape, solved),
            redshift,
            config.training.batch_size,
            config.seed,
            config.data.symmetries,
            device,
        )

    def losses(
        self, model: Student, batch: PairBatch, generator: torch.Generator, done: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        process = self.config.process
        losses, t = student_losses(model, batch, process.huber_delta, process.centre_weight_radius)
        return losses, {"t": t, "redshift": batch.redshift}

    def make_inspection(
        self, scaling: Scaling, redshifts: list[float], device: torch.device, run: Path
    ) -> Previewer:
        return Previewer(self.config, scaling, redshifts, run)

    def _redshifts(self, known: Floats) -> Floats:
        """Those of the training set in random order, as often as needed, with the jitter."""
        count, rng = self.pairs, np.random.default_rng(self.config.seed)
        power = self.config.data.rare_redshift_power
        if power:
            known = known[resampled(redshift_weights(known, power), rng)]
        drawn = np.resize(rng.permutation(known), count)
        return drawn + self.config.redshift.jitter * rng.standard_normal(count)

    def _contents(self, redshift: Floats) -> str:
        """A name for the pairs that depends on all that they depend on."""
        config = self.config
        _, levels = build.make_teacher_solver(config, self.teacher.scaling)
        sampling = config.sampling.model_dump(exclude={"batch_size"})  # which changes no galaxy
        made_by = (self.fingerprint, SOLVER, levels, sampling)
        settings = (config.seed, config.distillation, redshift.tobytes())
        return hashlib.sha256(repr((*made_by, *settings)).encode()).hexdigest()[:16]

    def _solved(
        self, redshift: Floats, kept: list[Level], progress: Callable[..., Any]
    ) -> Iterator[Floats]:
        solver, levels = build.make_teacher_solver(self.config, self.teacher.scaling)
        watched = partial(states, solver=solver, kept=kept)
        size = self.config.sampling.batch_size
        for start in progress(
            range(0, len(redshift), size), desc="asking the teacher", unit="batch"
        ):
            z = redshift[start : start + size]
            noise_id = range(FIRST + start, FIRST + start + len(z))
            yield self.teacher.solve(watched, levels, z, self.config.seed, noise_id).numpy()
