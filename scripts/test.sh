#!/usr/bin/env bash
# From a fresh clone to a finished test run: makes .venv where needed, installs the pinned versions,
# checks the style and the types and runs all tests. With --coverage as the first argument it also
# measures how many lines of src the tests run, and fails where they are too few. Other arguments go
# to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh test
echo "checking style and types, then running the tests: all of them take 11 minutes on two slow cores"
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
if [ "${1:-}" = --coverage ]; then
    shift
    set -- --cov=galddpm "$@"
fi
OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder "$@"
