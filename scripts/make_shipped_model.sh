#!/usr/bin/env bash
# Makes the model that comes with galddpm anew: 7,000 mock galaxies, a training on one CUDA GPU (four
# minutes on an H200, half of it compiling and drawing), and one small file. Its card, mock.md, is
# written by hand; tests/test_shipped_model.py asks for the new fingerprint there. Started again it
# goes on where it stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh mock
python=.venv/bin/python
model=src/galddpm/models/mock.safetensors

$python scripts/data.py mock --out data/shipped --training 7000
$python scripts/train.py --config configs/mock.yaml --run runs/mock
$python scripts/export.py runs/mock $model --overwrite
echo "fingerprint: $(sha256sum $model | cut -c 1-32)"
