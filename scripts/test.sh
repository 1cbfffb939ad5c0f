#!/usr/bin/env bash
# From a fresh clone to a finished test run: makes .venv where needed, installs the pinned versions,
# checks the style and the types and runs the tests, but for those that take more than twenty
# seconds each. --all as the first argument runs these too: the README's commands as printed, the
# notebooks, the wheel in an empty folder, several processes, real pixels, 2,000 mock galaxies against
# the published catalog, statmorph on as many stamps as tell, and the judge's power. --coverage does
# the same, measures how many lines of src the tests run, and fails where they are too few. Other
# arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh test
what=(-m "not long")
case "${1:-}" in
    --all) shift && what=() ;;
    --coverage) shift && what=(--cov=galddpm) ;;
esac
echo "checking style and types, then running the tests: six minutes on two slow cores; --all: thirteen"
.venv/bin/ruff check .
.venv/bin/ruff format --check .
.venv/bin/mypy
OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder \
    ${what[@]+"${what[@]}"} "$@" # an empty list is an error to the bash of macOS
