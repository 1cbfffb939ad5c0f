"""One of the sets that are compared: its file, what is measured on it, and what was found."""

from dataclasses import dataclass, field
from typing import Any

from galddpm.arrays import Floats, Ints
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.evaluation.catalog.measure_file import Measurement
from galddpm.evaluation.catalog.table import Catalog

ORIGIN = ("run", "weights", "sampler", "steps", "seed", "images_trained", "commit")


@dataclass
class Side:
    """The real, the generated or the reference set."""

    name: str  # real, generated or reference
    file: GalaxyFile
    measurement: Measurement
    arguments: dict[str, Any]  # what determines the catalog, as JSON values
    catalog: Catalog = field(init=False)  # once it is measured

    @property
    def title(self) -> str:
        """What the report calls it: what its file says it holds, or its name."""
        return self.file.title or self.name

    @property
    def origin(self) -> dict[str, Any]:
        """What made it, where its file says so: run, sampler, steps, seed, images trained on."""
        return {
            key: value for key in ORIGIN if (value := self.file.provenance.get(key)) is not None
        }

    def images(self, rows: Ints) -> Floats:
        """Stamps (n, C, H, W) float32 [count], non-finite pixels included."""
        return self.file.unchecked_images(rows)
