"""The kinds of failure that a command reports in one line."""


class UserError(ValueError):
    """A mistake in what the user gave (file, config key, argument); exit status 2."""


class RunError(RuntimeError):
    """A failure that is nobody's mistake (broken connection, killed process); exit status 1."""


class NonFiniteError(RunError):
    """Training or sampling ran away to numbers that are not finite."""
