# Sourced by ./run and ./test from the project's root: makes sure that .venv is what the lock files
# say, then puts it first on PATH. Takes no time when nothing has changed.

redwood_stamp() {
    {
        pwd
        echo "without tvae: ${REDWOOD_WITHOUT_TVAE:-0}"
        cat requirements.lock requirements-tvae.lock workflow/setup/simgrid.lock workflow/setup/install.py
    } | sha256sum | cut -d' ' -f1
}

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

if [ "$(cat .venv/redwood-stamp 2>/dev/null)" != "$(redwood_stamp)" ]; then
    redwood_found=$(redwood_python)
    "$redwood_found" workflow/setup/install.py "$(redwood_stamp)"
fi
export PATH="$PWD/.venv/bin:$PATH" PYTHONPATH="$PWD/workflow"
