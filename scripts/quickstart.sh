#!/usr/bin/env bash
# From a fresh clone to a finished report on mock galaxies: eight minutes on two slow CPU cores, after
# the environment is there. The training goes on from the model that comes with galddpm; from nothing,
# configs/small.yaml takes 7 to 37 minutes more. Started again it goes on where it stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh mock
python=.venv/bin/python
test=data/mock/5x64x64_testing_with_morphology.hdf5
report=runs/quickstart/report

say() { printf '\n%s\n' "$1"; }

say "1 of 5: drawing 2,500 mock galaxies into data/mock, a minute"
$python scripts/data.py mock --out data/mock --jobs 2
say "2 of 5: training the model that comes with galddpm on them, into runs/quickstart, 1 to 2 minutes"
$python scripts/train.py --config configs/quickstart.yaml
say "3 of 5: making a galaxy at the redshift of each of the 300 test galaxies, 1 to 3 minutes"
$python scripts/sample.py --run runs/quickstart --redshifts "$test"
say "4 of 5: measuring both and comparing them in $report, 1 to 3 minutes"
$python scripts/evaluate.py --real "$test" --out "$report" --statmorph 100 --jobs 2

say "5 of 5: the same redshifts by the model as it comes, beside yours, half a minute"
$python scripts/sample.py --run mock --redshifts 0.1:2.0:20 --out runs/quickstart/shipped.hdf5
$python scripts/data.py picture runs/quickstart/shipped.hdf5 runs/quickstart/samples/*.hdf5 "$test" \
    --count 20 --out runs/quickstart/beside.png --overwrite

say "Done. See $report/report.html in a browser, and runs/quickstart/beside.png. The next commands:"
cat <<'NEXT'
    source .venv/bin/activate
    galddpm sample --redshifts 0.1:3.0:30 --per-redshift 10 --out galaxies.hdf5
    galddpm evaluate --generated galaxies.hdf5
NEXT
