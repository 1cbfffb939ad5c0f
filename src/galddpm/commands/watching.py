"""What a person sees of a training: where to look, what it takes, and how far it is."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galddpm.commands.shell import progress, tell

if TYPE_CHECKING:  # torch is loaded after the arguments were checked
    from galddpm.training.loop import Trainer

INTERVAL = 60.0  # [s] between two lines


class Watch:
    """A progress bar or, without a terminal, a line now and then, so that the log of a queue tells
    how far a run is; and after the first hundred steps what the rest takes."""

    def __init__(self, trainer: "Trainer", run: Path, clock: Callable[[], float] = time.monotonic):
        from galddpm.training.needs import Pace

        self.trainer, self.run, self.clock = trainer, run, clock
        self.images, self.loss = trainer.plan.images, ""
        self.pace = Pace(trainer.device)
        seen = self.seen = trainer.images_seen
        self.last = clock()
        self.bar = progress(total=self.images, initial=seen, desc="training", unit="image")

    def advance(self, images: int) -> None:
        """To be called after every step."""
        self.bar.update(images)
        seconds = self.pace.step()
        if seconds:
            tell(needs_in_words(self.trainer, seconds, self.run))
        if self.clock() - self.last >= INTERVAL:
            self._say()

    def report(self, record: dict[str, Any]) -> None:
        """To be called with every record of the log."""
        first, self.loss = not self.loss, f"loss {record['loss']:.4f}, "
        self.bar.set_postfix_str(self.loss.removesuffix(", "))
        if first:
            self._say()

    def _say(self) -> None:
        """A line, where there is no bar."""
        if not self.bar.disable:
            return
        now, seen = self.clock(), self.trainer.images_seen
        rate = (seen - self.seen) / max(now - self.last, 1e-3)
        tell(progress_in_words(seen, self.images, rate, self.loss))
        self.last, self.seen = now, seen


def needs_in_words(trainer: "Trainer", seconds: float, run: Path) -> str:
    """Time, memory and disk that the rest of a training takes; seconds: of a step."""
    from galddpm.devices import gpu_memory, host_memory

    plan = trainer.plan
    left = (plan.images - trainer.images_seen) / plan.batch_size * seconds
    on_gpu = gpu_memory(trainer.device)
    memory = f"{size(host_memory())} of memory" + (
        f", {size(on_gpu)} of the GPU's" if on_gpu else ""
    )
    held = sum(file.stat().st_size for file in (run / "cache").glob("*"))
    disk = f"{size(trainer.disk_needed() + held)} of disk in the run folder"
    return f"about {duration(left)} on this device, {memory}, {disk}"


def progress_in_words(seen: int, images: int, rate: float, loss: str) -> str:
    """How far a training is; rate: images a second; loss: the last that was reported, in words."""
    speed = f"{rate:,.0f} images/s" if rate >= 2 else f"{60 * rate:,.0f} images/min"
    left = duration((images - seen) / rate) if rate else "?"
    return f"{seen:,} of {images:,} images, {loss}{speed}, {left} left"


def places_in_words(run: Path, pictures: bool, curves: bool) -> str:
    """Where to look while a run trains; pictures, curves: whether it draws previews, or has
    TensorBoard."""
    places = [f"numbers in {run / 'log.jsonl'}"]
    places += [f"pictures in {run / 'previews'}"] * pictures
    places += [f"curves by tensorboard --logdir {run / 'tensorboard'}"] * curves
    return ", ".join(places)


def duration(seconds: float) -> str:
    """A time in a unit that suits it: 45 s, 12 min, 2.5 h, 31 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 36000 else f"{seconds / 3600:.0f} h"


def size(count: int) -> str:
    """Bytes in a unit that suits them: 24 MB, 0.9 GB."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.0f} MB"
