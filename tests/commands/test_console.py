"""One door to all commands: help that can be followed, mistakes that are named, nothing slow."""

import shlex
import subprocess
import sys
from importlib import import_module

import pytest

from galddpm.__main__ import COMMANDS, main
from galddpm._version import __version__
from galddpm.commands import data
from helpers.paths import ROOT

ACTIONS = ("mock", "download", "check", "subset", "fits")
HELPS = [[], *([name] for name in COMMANDS), *(["data", action] for action in ACTIONS)]


def ended(arguments, capsys):
    """(status, standard output, standard error) of a command that ends while it reads arguments."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    return caught.value.code, *capsys.readouterr()


def examples(text):
    """The arguments of each example that a help ends with."""
    lines = text.partition("\nexamples:\n")[2].splitlines()
    return [shlex.split(line)[1:] for line in lines]


@pytest.mark.parametrize("command", HELPS, ids=" ".join)
def test_every_example_of_a_help_can_be_typed(command, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    status, out, err = ended([*command, "--help"], capsys)
    assert (status, err) == (0, "")
    assert out.startswith(f"usage: {' '.join(['galddpm', *command])} ")
    assert max(map(len, out.splitlines())) <= 80
    found = examples(out)
    assert found
    for name, *arguments in found:
        assert [name, *arguments][: len(command)] == command
        if arguments and arguments[-1] == "--help":
            assert ended([name, *arguments], capsys)[0] == 0
        else:
            import_module(f"galddpm.commands.{name}").parse(arguments, "galddpm")


def test_nothing_heavy_is_loaded_before_the_arguments_were_checked():
    heavy = ("torch", "scipy", "sklearn", "astropy", "matplotlib")
    code = f"""
import contextlib, io, sys
from galddpm.__main__ import COMMANDS, main
for name in COMMANDS:
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        main([name, "--help"])
print(len(COMMANDS), [name for name in {heavy} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"{len(COMMANDS)} []\n"


def test_the_version_and_what_is_no_command(capsys):
    assert ended(["--version"], capsys)[:2] == (0, f"galddpm {__version__}\n")
    status, out, err = ended(["trian"], capsys)
    assert (status, out) == (2, "")
    assert err.splitlines()[-1].startswith("error: ")
    assert all(name in err.splitlines()[-1] for name in ("trian", *COMMANDS))
    status, out, err = ended([], capsys)
    assert (status, out) == (2, "")
    assert "galddpm train --config quickstart" in err
    assert err.splitlines()[-1].startswith("error: no command, expected one of data, train")


def test_usage_is_that_of_what_was_typed(capsys):
    _, _, err = ended(["train"], capsys)
    assert err.startswith("usage: galddpm train ")
    module = [sys.executable, "-m", "galddpm", "train", "--config", "nowhere"]
    script = [sys.executable, str(ROOT / "scripts" / "train.py")]
    done = subprocess.run(script, capture_output=True, text=True)
    assert (done.returncode, done.stderr[:16]) == (2, "usage: train.py ")
    done = subprocess.run(module, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("error: nowhere: no such file, expected a YAML file or one of")
    assert "quickstart" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sample", "--redshifts", "1", "--steps", "0"],
         "--steps: found '0', expected a whole number from 1"),
        (["evaluate", "--limit", "0"], "--limit: found '0', expected a whole number from 1"),
        (["evaluate", "--limit", "many"], "--limit: found 'many', expected a whole number from 1"),
        (["evaluate", "--statmorph", "-1"], "found '-1', expected a whole number from 0"),
        (["sample", "--redshifts", "1", "--seed", str(2**63)], "from 0 to 9,223,372,036,854,775,8"),
        (["data", "subset", "a", "b", "--redshifts", "2:1"], "found '2:1', expected LOW:HIGH"),
        (["data", "subset", "a", "b", "--redshifts", "2"], "found '2', expected LOW:HIGH"),
    ],
)  # fmt: skip
def test_numbers_that_cannot_be_are_named_with_what_was_expected(arguments, message, capsys):
    status, _, err = ended(arguments, capsys)
    assert status == 2
    assert err.splitlines()[-1].startswith("error: argument ")
    assert message in err.splitlines()[-1]


def test_spans_are_read():
    assert data.span("0.4:0.5") == [0.4, 0.5]
