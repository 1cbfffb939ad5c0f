"""`galddpm export RUN OUT`: a trained model as one small file."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from galddpm.commands.shell import Parser, add_overwrite
from galddpm.errors import UserError
from galddpm.files import refuse_existing, refuse_own_input
from galddpm.locks import locked


def main(arguments: Sequence[str] | None = None, prog: str = "export.py") -> None:
    options = parse(arguments, prog)
    out = Path(options.out)
    if out.suffix != ".safetensors":
        raise UserError(f"{out}: expected a name that ends in .safetensors")

    # torch is loaded after the arguments were checked
    from galddpm.inference.model_file import ModelFile, model_path

    path = model_path(options.run)
    refuse_own_input(out, path)
    refuse_existing(out, options.overwrite)
    with locked(out):
        ModelFile.read(path).export(out)
    print(f"{out}: {out.stat().st_size / 1e6:.1f} MB")


def parse(arguments: Sequence[str] | None, prog: str) -> Namespace:
    parser = Parser(
        prog=prog,
        description="Write the averaged weights of a trained model in half precision, with all that"
        " using them needs, as one small file: for others to sample from.",
        examples=(
            "galddpm export runs/quickstart mine.safetensors",
            "galddpm export runs/mine shared/mine.safetensors --overwrite",
        ),
    )
    parser.add_argument("run", help="run folder or model file")
    parser.add_argument("out", metavar="OUT.safetensors", help="file to write")
    add_overwrite(parser)
    return parser.parse_args(arguments)
