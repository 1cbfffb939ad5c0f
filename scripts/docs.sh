#!/usr/bin/env bash
# Builds the pages of the Python interface from its docstrings, into build/docs or the given folder.
# A warning is an error.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-$root/build/docs}
mkdir -p "$out"
out=$(cd "$out" && pwd)
cd "$root"
source scripts/environment.sh docs
# pdoc stops programs that an import starts, such as uname, unless told otherwise
PDOC_ALLOW_EXEC=1 .venv/bin/python -W error - "$out" <<'PYTHON'
import pkgutil
import re
import sys
from pathlib import Path

import pdoc
from pydantic import BaseModel
from torch.nn import Module
from tqdm import tqdm

import galddpm.mock

tqdm.__class_getitem__ = classmethod(lambda cls, item: cls)  # generic for type checkers alone
for package in (galddpm, galddpm.mock):  # pdoc takes __all__ for the list of modules too
    names = [module.name for module in pkgutil.iter_modules(package.__path__)]
    package.__all__ += [name for name in names if not name.startswith("_")]
for foreign in (BaseModel, Module.__init__, Module.forward):  # whose docstrings ours would inherit
    foreign.__doc__ = ""
filters = pdoc.render.env.filters
to_html, argument = filters["to_html"], re.compile(r"^([a-z]\w*(?:, \w+)*): ", re.MULTILINE)
filters["to_html"] = lambda text: to_html(argument.sub(r"\n`\1`: ", text))  # one paragraph each
pdoc.render.configure(docformat="markdown")
pdoc.pdoc("galddpm", output_directory=Path(sys.argv[1]))
PYTHON
