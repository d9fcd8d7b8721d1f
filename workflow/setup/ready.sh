# Sourced by ./run, ./test and others from the project's root: makes sure that .venv is what the lock
# files say, then puts it first on PATH. `source workflow/setup/ready.sh dev` has the packages in it
# that tests need, too. Takes no time when nothing has changed.

redwood_python() {
    local candidate
    for candidate in ${REDWOOD_PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "setup: no Python 3.11 or newer was found; name one with REDWOOD_PYTHON=/path/to/python3.11" >&2
    return 1
}

# redwood_install PURPOSE FILE…: unless .venv holds what the files say, install it.
redwood_install() {
    local purpose=$1 stamp python
    shift
    stamp=$({
        pwd
        echo "without sdv: ${REDWOOD_WITHOUT_SDV:-0}"
        cat "$@"
    } | sha256sum | cut -d' ' -f1)
    if [ "$(cat ".venv/redwood-$purpose-stamp" 2>/dev/null)" != "$stamp" ]; then
        python=$(redwood_python) || return
        "$python" workflow/setup/install.py "$purpose" "$stamp"
    fi
}

if [ "${REDWOOD_WITHOUT_TVAE:-0}" != 0 ]; then
    echo "setup: REDWOOD_WITHOUT_TVAE is no longer known: tvae needs no ctgan any more, and" \
        "REDWOOD_WITHOUT_SDV=1 leaves out the Synthetic Data Vault" >&2
    return 1
fi
redwood_install run requirements.lock requirements-sdv.lock pyproject.toml workflow/setup/install.py \
    workflow/redwood/setup_simgrid.py
if [ "${1:-}" = dev ]; then
    redwood_install dev requirements-dev.lock
fi
export PATH="$PWD/.venv/bin:$PATH" PYTHONPATH="$PWD/workflow"
