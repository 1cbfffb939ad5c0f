"""One of the sets that are compared: its file, what is measured on it, and what was found."""

from dataclasses import dataclass, field
from typing import Any

from galddpm.arrays import Floats, Ints
from galddpm.data.galaxiesml import GalaxyFile
from galddpm.evaluation.catalog.measure_file import Measurement
from galddpm.evaluation.catalog.table import Catalog


@dataclass
class Side:
    """The real, the generated or the reference set."""

    name: str  # real, generated or reference
    file: GalaxyFile
    measurement: Measurement
    arguments: dict[str, Any]  # what determines the catalog, as JSON values
    catalog: Catalog = field(init=False)  # once it is measured

    def images(self, rows: Ints) -> Floats:
        """Stamps (n, C, H, W) float32 [count], non-finite pixels included."""
        return self.file.unchecked_images(rows)
