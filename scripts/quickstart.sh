#!/usr/bin/env bash
# From a fresh clone to a finished report on mock galaxies, on two CPU cores in ten to fifteen minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh mock
python=.venv/bin/python
test=data/mock/5x64x64_testing_with_morphology.hdf5
$python scripts/data.py mock --out data/mock --jobs 2
$python scripts/train.py --config configs/quickstart.yaml
$python scripts/train.py --config configs/quickstart-redshift-cnn.yaml
$python scripts/sample.py --run runs/quickstart --redshifts "$test"
$python scripts/evaluate.py --real "$test" --out runs/quickstart/report --statmorph 300 --jobs 2 \
    --redshift-cnn runs/quickstart-redshift-cnn
