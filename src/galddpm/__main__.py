"""`galddpm COMMAND ...`, or `python -m galddpm COMMAND ...`: one door to all commands."""

import sys
from collections.abc import Sequence
from importlib import import_module

from galddpm._version import __version__
from galddpm.commands.shell import Parser, run_command

COMMANDS = {  # modules of galddpm.commands, in the order in which a newcomer meets them
    "data": "make, fetch, examine and cut files of galaxies",
    "train": "train a model into a run folder",
    "sample": "draw galaxies at given redshifts",
    "survey": "draw the catalog of a survey: how many galaxies, how far, and where",
    "evolve": "draw the same galaxies at one redshift after the other",
    "photoz": "say how probable each redshift is of given galaxies",
    "runs": "list the run folders: how far they are, how good, and of what",
    "compare": "say in what two runs differ, and from which image on",
    "export": "write a trained model as one small file",
    "evaluate": "compare generated galaxies with real ones, in a report",
    "ablate": "train, sample and judge variants of a recipe, in one table",
    "benchmark": "measure speed beside that of other libraries",
    "validate": "hold the Sersic fits against known truth",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command by its name; its exit status, as `run_command` gives it."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    parser = make_parser()
    if not given:
        parser.print_help(sys.stderr)
        parser.exit(2, f"error: no command, expected one of {', '.join(COMMANDS)}\n")
    name = parser.parse_args(given[:1]).command  # what follows is for the command to read

    def run() -> None:
        import_module(f"galddpm.commands.{name}").main(given[1:], f"galddpm {name}")

    return run_command(run)


def make_parser() -> Parser:
    parser = Parser(
        prog="galddpm",
        description="Galaxy images from a redshift, judged as an astronomer would.",
        examples=(
            "galddpm data mock",
            "galddpm train --config quickstart",
            "galddpm sample --redshifts 0.1,0.5,1.2",
            "galddpm sample --help",
        ),
    )
    version = f"%(prog)s {__version__}"
    parser.add_argument("-V", "--version", action="version", version=version)
    commands = parser.add_subparsers(title="commands", dest="command", metavar="COMMAND")
    for name, meaning in COMMANDS.items():
        commands.add_parser(name, help=meaning, examples=(), add_help=False)
    return parser


if __name__ == "__main__":
    sys.exit(main())
