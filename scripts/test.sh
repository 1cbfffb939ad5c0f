#!/usr/bin/env bash
# From a fresh clone to a finished test run: makes .venv where needed, installs the pinned versions,
# checks the style and the types and runs all tests. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh test
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 --dist loadfile "$@"  # a file a core
