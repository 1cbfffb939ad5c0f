# Sourced by quickstart.sh, test.sh and docs.sh: makes .venv and installs the project with the given
# extra, in the versions of constraints.txt, unless that was done for these very files before.
extra=$1
stamp=".venv/installed-$extra-$(cat pyproject.toml scripts/constraints.txt | cksum | cut -d ' ' -f 1)"
if [ ! -f "$stamp" ]; then
    python=$(command -v python3.11 || command -v python3)
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "error: $python is older than Python 3.11" >&2
        exit 2
    }
    echo "installing the pinned versions into .venv: a few minutes, about 2 GB on disk, and some GB more"
    echo "where PyTorch brings CUDA's libraries, as it does on Linux"
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --constraint scripts/constraints.txt \
        "torch==$(sed -n 's/^torch==//p' scripts/constraints.txt)"
    .venv/bin/python -m pip install --quiet --constraint scripts/constraints.txt --editable ".[$extra]"
    touch "$stamp"
fi
