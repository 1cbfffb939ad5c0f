"""The README's commands and Python run as printed, in its order, in a small copy of the clone."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import threading
import tomllib
import venv
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from sysconfig import get_path

import numpy as np
import pytest
from astropy.io import fits

from galddpm.config.load import dump_config, load_config
from galddpm.data.download import API, RECORD
from helpers.galaxies import write_simple
from helpers.paths import ROOT

README = (ROOT / "README.md").read_text()
CODE = re.compile(
    r"^```(?P<language>\w*)\n(?P<block>.*?)^```|`(?P<prose>(?:bash|galddpm|pip|python) [^`]+)`",
    re.MULTILINE | re.DOTALL,
)
SPLITS = {"training": 32, "validation": 8, "testing": 6}  # galaxies of each
SMALL_NETWORK = ["network.channels=[8,8]", "network.bottleneck=8", "network.attention=[]"]
SMALL_NETWORK += ["training.images=64", "training.batch_size=8", "training.log_every=32"]
SETTINGS = {
    "quickstart": ["training.images=16", "training.log_every=8", "sampling.steps=4"],
    "galaxiesml": [*SMALL_NETWORK, "data.cache=memory"],  # there may be no GPU
}
SMALLER = {
    "--redshifts 0.1:3.0:30 --per-redshift 10": "--redshifts 0.1:3.0:6",
    "galddpm evolve": "galddpm evolve --frames 2",
    "--limit 9": "--limit 1",
    "galddpm evaluate": "galddpm evaluate --jobs 1",  # a second process costs more than it brings
}
DRY_RUN = ".venv/bin/python -m pip install --dry-run --no-deps --no-build-isolation"
INSTEAD = {
    "bash scripts/test.sh": "bash -n scripts/test.sh",  # it would start this test again
    "pip install '.[mock]'": f"{DRY_RUN} '.[mock]'",  # all else needs the network
    "pip install .": f"{DRY_RUN} .",
    "galddpm benchmark": "galddpm benchmark --help",  # takes five minutes
}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def commands(block):
    """The lines of a block without their comments."""
    return [line.split("  #")[0].strip() for line in block.splitlines()]


def steps():
    """Shell commands that do what the README says, in its order."""
    for found in CODE.finditer(README):
        if found["prose"]:
            yield found["prose"]
        elif found["language"] == "python":
            yield f"python - <<'PYTHON'\n{found['block']}PYTHON"
        else:
            assert found["language"] == "bash"
            yield from commands(found["block"])


def small(step):
    """The step, or what a test does in its place."""
    for text, smaller in SMALLER.items():
        step = step.replace(text, smaller)
    return INSTEAD.get(step, step)


@pytest.fixture
def record(tmp_path):
    """Address of a server that holds the files of the GalaxiesML record, small."""
    folder = tmp_path / "server"
    (folder / "api").mkdir(parents=True)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    address = f"http://127.0.0.1:{server.server_port}"
    entries = []
    for seed, (split, count) in enumerate(SPLITS.items()):
        path = folder / f"5x64x64_{split}_with_morphology.hdf5"
        content = write_simple(path, count, seed=seed).read_bytes()
        checksum = f"md5:{hashlib.md5(content).hexdigest()}"
        links = {"self": f"{address}/{path.name}"}
        entry = {"key": path.name, "size": len(content), "checksum": checksum, "links": links}
        entries.append(entry)
    (folder / "api" / RECORD).write_text(json.dumps({"files": entries}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"{address}/api"
    server.shutdown()
    server.server_close()


@pytest.fixture
def clone(tmp_path, record):
    """A copy of the tracked files with tiny configs, few galaxies, the server above for Zenodo's
    and the environment that the scripts would install."""
    clone = tmp_path / "clone"
    for name in run(ROOT, "git ls-files").stdout.splitlines():
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, clone / name, follow_symlinks=False)
    for name, settings in SETTINGS.items():
        path = f"configs/{name}.yaml"
        (clone / path).write_text(dump_config(load_config(ROOT / path, settings)))
    counts = " ".join(f"--{split} {count}" for split, count in SPLITS.items())
    replace(clone / "scripts/quickstart.sh", "--out data/mock --jobs 2", f"--jobs 1 {counts}")
    replace(clone / "scripts/quickstart.sh", "--jobs 2", "--jobs 1")
    replace(clone / "scripts/quickstart.sh", "0.1:2.0:20", "0.1:2.0:2")
    replace(clone / "src/galddpm/data/download.py", API, record)
    install(clone)
    write_cutouts(clone, 2)
    return clone


def replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def install(clone):
    """What environment.sh does, with the libraries of the environment that runs this test."""
    venv.create(clone / ".venv", symlinks=True)
    (folder,) = (clone / ".venv").glob("lib/python*/site-packages")
    libraries = {str(clone / "src"): 0, get_path("purelib"): 0, get_path("platlib"): 0}
    (folder / "clone.pth").write_text("\n".join(libraries))
    project = tomllib.loads((clone / "pyproject.toml").read_text())["project"]
    for name, place in project["scripts"].items():
        write_script(clone / ".venv/bin", name, *place.split(":"))
    run(clone, 'extra=mock; eval "$(grep ^stamp= scripts/environment.sh)"; touch "$stamp"')


def write_script(folder, name, module, function):
    """A console command as pip writes it."""
    start = f'if __name__ == "__main__":\n    sys.exit({function}())\n'
    imports = f"import sys\nfrom {module} import {function}\n"
    (folder / name).write_text(f"#!{folder / 'python'}\n{imports}{start}")
    (folder / name).chmod(0o755)


def write_cutouts(folder, count):
    """A table of FITS cubes, as a user may bring them."""
    rows = ["redshift,cutout"]
    for row in range(count):
        image = fits.PrimaryHDU(np.ones((5, 64, 64), np.float32))
        image.header["FLUXMAG0"] = 10 ** (0.4 * 27)
        image.writeto(folder / f"{row}.fits")
        rows.append(f"0.{row + 1},{row}.fits")
    (folder / "cutouts.csv").write_text("\n".join(rows))


def run(folder, script):
    """The finished process of a shell script, which must succeed, as a user would start it."""
    mine = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", script],
        cwd=folder,
        env=mine | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done


@pytest.mark.long
def test_the_commands_run_as_printed(clone):
    done = run(clone, "\n".join(small(step) for step in steps()))
    assert "trained on 64 images; runs/galaxiesml/model.safetensors is ready" in done.stdout
    for report in ("runs/quickstart/report", "report"):
        counts = json.loads((clone / report / "report.json").read_text())["counts"]
        assert counts["real"]["total"] == counts["generated"]["total"] == SPLITS["testing"]
    assert "redshift CNN mock-redshift-cnn" in done.stderr
    assert "mine.hdf5: 2 galaxies" in done.stdout
    assert "does not provide the extra" not in done.stderr  # pip of one that has gone


def test_all_code_of_the_readme_is_run_and_what_is_replaced_is_in_it():
    assert not re.search("^ {4}", CODE.sub("", README), re.MULTILINE)  # a block without a fence
    assert INSTEAD.keys() <= set(steps())
    assert all(any(text in step for step in steps()) for text in SMALLER)


def test_links_of_the_readme_lead_to_files():
    links = re.findall(r"\]\((?!https?:)([^)]+)\)", README)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_quickstart_ends_with_the_next_commands_of_the_readme():
    quickstart = (ROOT / "scripts/quickstart.sh").read_text()
    after = list(steps())
    start = after.index("source .venv/bin/activate")
    assert commands(quickstart.split("<<'NEXT'\n")[1].split("NEXT")[0]) == after[start : start + 3]


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 100
