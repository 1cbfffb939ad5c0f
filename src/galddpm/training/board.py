"""Where the curves of a run are shown: TensorBoard, and Weights & Biases."""

import importlib.util
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from galddpm.errors import UserError, not_installed
from galddpm.files import write_text

Board = Callable[[dict[str, Any]], None]  # shows one record of the log, over its images_seen


def tensorboard(folder: Path, images_seen: int = 0) -> Board | None:
    """None where TensorBoard is not installed. What an earlier run wrote after `images_seen` is
    hidden."""
    if importlib.util.find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(folder, purge_step=images_seen + 1)

    def show(record: dict[str, Any]) -> None:
        for name, value in _scalars(record):
            writer.add_scalar(name, value, record["images_seen"])
        writer.flush()

    return show


@contextmanager
def weights_and_biases(run: Path, project: str, config: dict[str, Any]) -> Iterator[Board]:
    """A run of Weights & Biases with the config, by its own client and as its environment says
    (WANDB_MODE=offline keeps it in the folder). The same one goes on where training does: it leaves
    out what it was told before, and a resumed training tells the same again.

    Raises UserError without the client, and where the client cannot begin.
    """
    try:
        import wandb
    except ImportError:
        raise not_installed("wandb", "wandb") from None
    try:
        shown = wandb.init(
            project=project,
            name=run.name,
            id=_identity(run / "wandb" / "id"),
            resume="allow",
            dir=run,
            config=config,
            settings=wandb.Settings(console="off"),  # the progress bar stays the command's
        )
    except wandb.Error as error:
        raise UserError(f"Weights & Biases cannot begin: {error}") from None
    with shown:
        yield lambda record: shown.log(
            dict(_scalars(record)), step=record["images_seen"], commit=True
        )


def _identity(file: Path) -> str:
    """What Weights & Biases know the run by, kept in the run folder."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, secrets.token_hex(8))
    return file.read_text()


def _scalars(record: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """(name, number) pairs; the quartiles of a loss are numbered from the lowest, and what is no
    number stays out."""
    for name, value in record.items():
        if isinstance(value, list):
            yield from (
                (f"{name}/{q}", part) for q, part in enumerate(value, 1) if part is not None
            )
        elif name != "images_seen" and not isinstance(value, str):
            yield name, value
