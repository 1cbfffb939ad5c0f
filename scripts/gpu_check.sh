#!/usr/bin/env bash
# All that a GPU is needed for, in under nine minutes: tests, speed, a short training, one that is
# stopped and goes on, and galaxies beside those of the CPU. What came of it is written as JSON.
#
#     bash scripts/gpu_check.sh gpu_check.json
#
# It runs with the Python that PYTHON names, else that of .venv or the environment, in which galddpm
# is installed with its extras mock, test and benchmark. A part that fails does not end the others.
set -uo pipefail
out=$(realpath "${1:-gpu_check.json}")
cd "$(dirname "$0")/.."
python=${PYTHON:-$([ -x .venv/bin/python ] && echo "$PWD/.venv/bin/python" || command -v python)}
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

part() { # NAME SECONDS COMMAND...: run it within so long, and keep what it said
    local name=$1 limit=$2 start=$EPOCHREALTIME
    shift 2
    echo "$name, at most $limit s"
    (cd "$work" && timeout "$limit" "$@") >"$work/$name.log" 2>&1
    printf '%s %s %s %s\n' "$name" $? "$start" "$EPOCHREALTIME" >>"$work/parts"
}

galddpm=("$python" -m galddpm)

train() { # DIR IMAGES: the shipped model's recipe, for so many images, the same to the last bit
    "$python" -m galddpm train --config mock --run "$1" --set "training.images=$2" \
        --set training.deterministic=true --set training.log_every=6400 --set data.cache=memory \
        --set "data.training=$split/5x64x64_training_with_morphology.hdf5" \
        --set "data.validation=$split/5x64x64_validation_with_morphology.hdf5" \
        --set "data.testing=$split/5x64x64_testing_with_morphology.hdf5"
}
export -f train
export python split=$work/galaxies

part mock 90 "${galddpm[@]}" data mock --out "$split" --training 2000 --validation 100 --testing 200
part once 100 bash -c 'train once 51200'
part halves 120 bash -c 'train twice 25600 && train twice 51200'
part compare 20 "${galddpm[@]}" compare once twice
for device in cuda cpu; do
    part "sample_$device" 60 "${galddpm[@]}" sample --run mock --redshifts 0.1:3:8 --device $device \
        --out "$device.hdf5"
done
part tests 100 "$python" -m pytest -q -p no:cacheprovider "$root/tests/test_devices.py" \
    "$root/tests/commands/test_train_sample.py" "$root/tests/inference" "$root/tests/training"
part benchmark 150 "${galddpm[@]}" benchmark train --device cuda --out "$work/speed.json"

"$python" - "$work" "$out" <<'PYTHON'
import json
import sys
from pathlib import Path

import h5py
import numpy as np
import torch

from galddpm.runs import log_records

work, out = map(Path, sys.argv[1:])
parts = {}
for line in (work / "parts").read_text().splitlines():
    name, status, start, end = line.split()
    last = (work / f"{name}.log").read_text().splitlines()[-3:]
    seconds = round(float(end) - float(start), 1)
    parts[name] = {"status": int(status), "seconds": seconds, "last_lines": last}
found = {"parts": parts, "torch": torch.__version__}
if torch.cuda.is_available():
    found["device"] = torch.cuda.get_device_name()
records = log_records(work / "once")
if records:
    found["images_per_second"] = records[-1]["images_per_second"]
if parts["compare"]["status"] == 0:
    said = (work / "compare.log").read_text()
    found["resumed_to_the_same_bits"] = not {"logs:", "model.safetensors:"} & set(said.split())
if all(parts[f"sample_{device}"]["status"] == 0 for device in ("cuda", "cpu")):
    gpu, cpu = (h5py.File(work / f"{device}.hdf5")["image"][:] for device in ("cuda", "cpu"))
    brightest = np.abs(cpu).max(axis=(1, 2, 3))
    apart = np.abs(gpu - cpu).max(axis=(1, 2, 3)) / brightest
    found["sample_apart_from_cpu"] = float(apart.max())  # of a galaxy's brightest pixel
if (work / "speed.json").exists():
    found["benchmark"] = json.loads((work / "speed.json").read_text())
out.write_text(json.dumps(found, indent=1))
print(out)
PYTHON
