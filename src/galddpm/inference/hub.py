"""Models on the Hugging Face hub, fetched by the hub's own client into its cache."""

from pathlib import Path

from galddpm.errors import UserError, not_installed
from galddpm.runs import MODEL

HUB = "hf://"  # how an address on the hub begins: hf://owner/name


def is_on_hub(run: str | Path) -> bool:
    return str(run).startswith(HUB)


def fetched(address: str) -> Path:
    """The `model.safetensors` of hf://owner/name, from the cache where it is there and current.

    Raises UserError without the client, and where the hub has no such model.
    """
    try:
        from huggingface_hub import errors, hf_hub_download
    except ImportError:
        raise not_installed("huggingface_hub", "hub") from None
    missing = errors.EntryNotFoundError, errors.RepositoryNotFoundError, errors.HFValidationError
    try:
        return Path(hf_hub_download(address.removeprefix(HUB), MODEL))
    except missing as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{address}: no {MODEL} there, expected {HUB}owner/name ({reason})"
        ) from None
