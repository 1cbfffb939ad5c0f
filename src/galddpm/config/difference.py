"""Which keys make another run of a config, and which may change while it trains."""

from typing import Any

from galddpm.config.schema import AnyConfig

FREE = {  # and why what was trained so far stays what it is
    "training.images": "a longer run goes on from where the shorter one ended",
    "training.checkpoint_every": "all randomness of a step comes from its number",
    "training.log_every": "the log only watches",
    "training.preview_every": "and so do the pictures, of which each has noise of its own",
    "training.wandb": "and so does where the log is shown",
    "training.parts": "what is computed in parts comes out as before",
    "data.cache": "pixels are the same wherever they are held",
    "sampling.batch_size": "a galaxy does not depend on those that are made with it",
}


def first_difference(held: AnyConfig, wanted: AnyConfig) -> str | None:
    """The first key in which a config differs from that of a run, in words; keys in FREE may."""
    return _first(held.model_dump(), wanted.model_dump(), "")


def _first(held: dict[str, Any], wanted: dict[str, Any], section: str) -> str | None:
    for name, value in wanted.items():
        key = section + name
        if isinstance(value, dict) and value.keys() == (held[name] or {}).keys():
            difference = _first(held[name], value, f"{key}.")
            if difference:
                return difference
        elif key not in FREE and held[name] != value:
            return f"{key} is {held[name]!r}, not {value!r}"
    return None
