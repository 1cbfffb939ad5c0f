"""The two kinds of failure that a command reports in one line."""


class UserError(ValueError):
    """A mistake in what the user gave (file, config key, argument); exit status 2."""


class RunError(RuntimeError):
    """A failure that is nobody's mistake (non-finite loss, broken connection); exit status 1."""
