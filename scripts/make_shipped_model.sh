#!/usr/bin/env bash
# Makes the models that come with galddpm anew: 7,000 mock galaxies, a training on one CUDA GPU (four
# minutes on an H200), those of its student and of the redshift CNN, and three small files.
# Their cards are written by hand; tests/test_shipped_model.py asks for the new fingerprints there.
# Started again it goes on where it stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh mock
python=.venv/bin/python

$python scripts/data.py mock --out data/shipped --training 7000 --testing 1000
for name in mock mock-student mock-redshift-cnn; do
    model=src/galddpm/models/$name.safetensors
    $python scripts/train.py --config configs/$name.yaml --run runs/$name
    $python scripts/export.py runs/$name $model --overwrite
    echo "$name: fingerprint $(sha256sum $model | cut -c 1-32)"
done
