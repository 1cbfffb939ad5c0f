"""The kinds of failure that a command reports in one line."""

import operator
from typing import Any


class UserError(ValueError):
    """A mistake in what the user gave (file, config key, argument); exit status 2."""


class RunError(RuntimeError):
    """A failure that is nobody's mistake (broken connection, killed process); exit status 1."""


class NonFiniteError(RunError):
    """Training or sampling ran away to numbers that are not finite."""


def require_whole(name: str, value: Any, lowest: int, highest: int) -> int:
    """The value as an int. Raises UserError where it is no whole number between the two."""
    try:
        number = operator.index(value)
    except TypeError:
        number = lowest - 1
    if not lowest <= number <= highest:
        raise UserError(
            f"{name}: found {value!r}, expected a whole number from {lowest} to {highest}"
        )
    return number


def not_installed(library: str, extra: str) -> UserError:
    """The mistake of running without a library that comes with an extra of the package. The quotes
    are for shells that read brackets as a pattern."""
    return UserError(f"{library} is not installed; pip install 'galddpm[{extra}]'")
