"""The training loop. It knows a loss, batches and optimisers, and nothing of galaxies."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from galddpm import processes
from galddpm.arrays import Array
from galddpm.errors import NonFiniteError
from galddpm.interrupts import asked_to_save
from galddpm.training.checkpoint import (
    KEPT,
    Checkpoints,
    load_weights,
    optimiser_tensors,
    prefixed,
    restore_optimiser,
    without_prefix,
)
from galddpm.training.ema import Ema
from galddpm.training.log import by_quartile

# (model, batch, generator, part of the plan done) -> losses (B,), and the values (B,) by name that
# losses are reported against, of this process's share of the batch
Loss = Callable[[Any, Any, torch.Generator, float], tuple[Tensor, dict[str, Tensor]]]

DROPOUT = 1  # a purpose of random numbers


@dataclass(frozen=True)
class Plan:
    """How long, how fast, and when to report; counts in images."""

    images: int
    batch_size: int
    rate: Callable[[int], float]  # images seen -> learning rate
    clip: float  # largest gradient norm
    log_every: int
    checkpoint_every: int
    inspect_every: int | None
    seed: int
    bf16: bool  # autocast the loss to bfloat16


@dataclass
class Trainer:
    """What training changes, and what it is done with."""

    model: nn.Module
    ema: Ema
    optimisers: list[Optimizer]  # each for its own part of the weights
    loss: Loss
    batches: Callable[[int], Any]  # batch number -> this process's share of the batch
    plan: Plan
    checkpoints: Checkpoints
    device: torch.device
    step: int = 0

    def __post_init__(self) -> None:
        self._finite = torch.ones((), dtype=torch.bool, device=self.device)
        self._losses = processes.with_mean_gradients(Losses(self.model, self.loss))

    @property
    def images_seen(self) -> int:
        return self.step * self.plan.batch_size

    def run(
        self,
        report: Callable[[dict[str, Any]], None],
        advance: Callable[[int], None],
        inspect: Callable[[nn.Module, int], None],
        stopped: Callable[[], bool],
    ) -> bool:
        """Train to the end of the plan, or until `stopped`; whether the end was reached.

        report(record) is told what the log is to say; advance(images) of each step, and may drive a
        progress bar; inspect(ema model, images seen) looks at the model.
        Raises NonFiniteError after a non-finite loss or gradient, at the next log line or
        checkpoint.
        """
        window = Window()
        while self.images_seen < self.plan.images and not stopped():
            window.add(*self.train_step())
            advance(self.plan.batch_size)
            if self._due(self.plan.log_every):
                self._refuse_non_finite()
                record = window.record(self.images_seen, self._rate())
                report(record | {"device": str(self.device)})  # a resumed run may be elsewhere
                window = Window()
            if self._due(self.plan.checkpoint_every) or asked_to_save():
                self.save()
            due = self.plan.inspect_every and self._due(self.plan.inspect_every)
            if due and processes.is_first():
                inspect(self.ema.model, self.images_seen)
        finished = self.images_seen >= self.plan.images
        if finished and window.images:  # what is beyond the last line of the log
            self._refuse_non_finite()
            report(window.record(self.images_seen, self._rate()) | {"device": str(self.device)})
        self.save()
        return finished

    def train_step(self) -> tuple[Tensor, dict[str, Tensor], Tensor]:
        """One step: losses of this process's share, the values they are reported against, and the
        gradient norm."""
        batch = self.batches(self.step)
        for group in chain(*(optimiser.param_groups for optimiser in self.optimisers)):
            group["lr"] = self._rate()
        torch.manual_seed(self._seed(DROPOUT, processes.number()))  # dropout takes no generator
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.plan.bf16):
            done = self.images_seen / self.plan.images
            losses, values = self._losses(batch, self._generator(), done)
        losses.mean().backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.plan.clip)
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
        self.ema.update(self.model)
        self._finite &= torch.isfinite(norm)
        self.step += 1
        return losses.detach(), values, norm

    def save(self) -> None:
        """Write the whole state: weights, average, optimiser, counters."""
        self._refuse_non_finite()
        if not processes.is_first():
            return
        counters = {"step": self.step, "images_seen": self.images_seen}
        self.checkpoints.save(self._tensors(), counters | {"ema_updates": self.ema.updates})

    def disk_needed(self) -> int:
        """What the checkpoints take, with the one that is being written [byte]."""
        return (KEPT + 1) * sum(tensor.nbytes for tensor in self._tensors().values())

    def resume(self) -> bool:
        """Take up the newest checkpoint; whether there was one."""
        state = self.checkpoints.newest()
        if state is None:
            return False
        tensors, counters = state
        load_weights(self.model, without_prefix("raw", tensors), self.checkpoints.folder)
        load_weights(self.ema.model, without_prefix("ema", tensors), self.checkpoints.folder)
        for number, optimiser in enumerate(self.optimisers):
            restore_optimiser(optimiser, without_prefix(f"optimiser.{number}", tensors))
        self.step, self.ema.updates = counters["step"], counters["ema_updates"]
        return True

    def _tensors(self) -> dict[str, Tensor]:
        """What is saved of model, average and optimisers."""
        tensors = {
            **prefixed("raw", self.model.state_dict()),
            **prefixed("ema", self.ema.model.state_dict()),
        }
        for number, optimiser in enumerate(self.optimisers):
            tensors |= prefixed(f"optimiser.{number}", optimiser_tensors(optimiser))
        return tensors

    def _refuse_non_finite(self) -> None:
        """A non-finite loss makes a non-finite gradient norm, so one flag watches both. It is read
        when something is reported or saved: reading it every step would stall the device."""
        if not self._finite:
            raise NonFiniteError(
                f"the loss or its gradient was not finite before {self.images_seen} images; nothing"
                " of it was saved. A lower training.learning_rate, or training.precision: fp32,"
                " may help"
            )

    def _due(self, every: int) -> bool:
        """Whether the last step passed a multiple of `every` images."""
        return self.images_seen // every > (self.images_seen - self.plan.batch_size) // every

    def _rate(self) -> float:
        return self.plan.rate(self.images_seen)

    def _generator(self) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(self._seed())

    def _seed(self, *purpose: int) -> int:
        """All randomness of a step comes from (seed, step), so that a resumed run repeats it."""
        sequence = np.random.SeedSequence([self.plan.seed, self.step, *purpose])
        return int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1))


class Losses(nn.Module):
    """A model with its loss: the module whose gradients are asked for."""

    def __init__(self, model: nn.Module, loss: Loss):
        super().__init__()
        self.model, self.loss = model, loss

    def forward(
        self, batch: Any, generator: torch.Generator, done: float
    ) -> tuple[Tensor, dict[str, Tensor]]:
        return self.loss(self.model, batch, generator, done)


class Window:
    """What happened since the last log line."""

    def __init__(self) -> None:
        self.start, self.images = time.perf_counter(), 0
        self.losses: list[Tensor] = []
        self.values: dict[str, list[Tensor]] = {}
        self.norms: list[Tensor] = []

    def add(self, losses: Tensor, values: dict[str, Tensor], norm: Tensor) -> None:
        """Tensors are kept where they are: reading them here would stall the device."""
        self.images += len(losses) * processes.count()
        self.losses.append(losses)
        self.norms.append(norm)
        for name, value in values.items():
            self.values.setdefault(name, []).append(value)

    def record(self, images_seen: int, learning_rate: float) -> dict[str, Any]:
        """One line of the log, of all processes."""
        losses = _together(self.losses)
        record: dict[str, Any] = {
            "images_seen": images_seen,
            "loss": float(losses.mean()),
            "grad_norm": float(torch.stack(self.norms).mean()),
            "learning_rate": learning_rate,
            "images_per_second": self.images / (time.perf_counter() - self.start),
        }
        for name, values in self.values.items():
            record[f"loss_by_{name}"] = by_quartile(losses, _together(values))
        return record


def _together(pieces: list[Tensor]) -> Array:
    whole: Array = processes.gathered(torch.cat(pieces)).float().cpu().numpy()
    return whole
