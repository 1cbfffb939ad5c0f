"""Give commands inputs that are wrong, and hold what they say against what they should.

    python scripts/bad_inputs.py --count 1000

Configs, command lines, HDF5, model and PSF files and redshifts are spoilt in ways that cannot be
right, drawn from a seed, and given to commands, all in one process. Each has to end with exit
status 2 and one line that begins with `error: `, to leave every file as it was, and to take little
memory. What did otherwise is printed; the exit status is then 1.
"""

import argparse
import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from bad_inputs.trial import try_all


def main() -> None:
    parser = argparse.ArgumentParser(description="Give commands inputs that are wrong.")
    parser.add_argument("--count", type=int, default=1000, help="inputs; default: 1000")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    tried, faults = try_all(options.count, options.seed)
    print("\n".join(faults))
    kinds = ", ".join(f"{number} {kind}" for kind, number in tried.items())
    print(f"{tried.total()} bad inputs ({kinds}), {len(faults)} answered wrongly")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
