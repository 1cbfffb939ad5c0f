#!/usr/bin/env bash
# From a fresh clone to a finished report on mock galaxies: about 16 minutes on two CPU cores that
# reach 0.38 Tflop/s in bfloat16, the machine that the first of the times below are of, and an hour
# on two slow ones that do other work too, the second. Started again it goes on where it stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh mock
python=.venv/bin/python
test=data/mock/5x64x64_testing_with_morphology.hdf5
report=runs/quickstart/report

say() { printf '\n%s\n' "$1"; }

say "1 of 6: drawing 5,200 mock galaxies into data/mock, 1 to 5 minutes"
$python scripts/data.py mock --out data/mock --jobs 2
say "2 of 6: training the model into runs/quickstart, 8 to 35 minutes"
$python scripts/train.py --config configs/quickstart.yaml
say "3 of 6: training the judge's redshift CNN into runs/quickstart-redshift-cnn, 1 to 5 minutes"
$python scripts/train.py --config configs/quickstart-redshift-cnn.yaml
say "4 of 6: making a galaxy at the redshift of each of the 1,000 test galaxies, 2 to 7 minutes"
$python scripts/sample.py --run runs/quickstart --redshifts "$test"
say "5 of 6: measuring both and comparing them in $report, 2 to 11 minutes"
$python scripts/evaluate.py --real "$test" --out "$report" --statmorph 300 --jobs 2 \
    --redshift-cnn runs/quickstart-redshift-cnn

say "6 of 6: the same redshifts by the model that comes with galddpm, beside yours, a minute"
$python scripts/sample.py --run mock --redshifts 0.1:2.0:20 --out runs/quickstart/shipped.hdf5
$python scripts/data.py picture runs/quickstart/shipped.hdf5 runs/quickstart/samples/*.hdf5 "$test" \
    --count 20 --out runs/quickstart/beside.png --overwrite

say "Done. See $report/report.html in a browser, and runs/quickstart/beside.png. The next commands:"
cat <<'NEXT'
    source .venv/bin/activate
    galddpm sample --redshifts 0.1:3.0:30 --per-redshift 10 --out galaxies.hdf5
    galddpm evaluate --generated galaxies.hdf5
NEXT
