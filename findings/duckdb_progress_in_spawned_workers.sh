#!/usr/bin/env bash
# One would guess: DuckDB draws its progress bar for people at a prompt only. A program that is run
# with `python -m PACKAGE` is none, and neither are the worker processes that it starts, whose output
# goes into a log.
# In fact: in a worker that multiprocessing spawned for such a program, DuckDB takes itself to be at a
# prompt, and a query of more than two seconds draws its bar into the log. In the program itself and
# in a forked worker it does not. DuckDB looks, when it is imported, whether the main module has a
# `__file__`; that of a spawned worker has none yet.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.0
cd "$folder"
mkdir program
touch program/__init__.py
cat > program/work.py <<'PYTHON'
import duckdb


def draws() -> bool:
    with duckdb.connect() as database:
        [(setting,)] = database.execute("SELECT current_setting('enable_progress_bar')").fetchall()
    return setting
PYTHON
cat > program/__main__.py <<'PYTHON'
import multiprocessing
import sys

from program.work import draws

if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(1) as pool:
        print(pool.apply(draws), draws())
PYTHON
venv/bin/python -c 'import duckdb; print("DuckDB", duckdb.__version__)'
fails=0
check() {
    found=$("${@:3}" 2>&1 </dev/null)
    echo "$1: a bar in the worker, in the program itself: $found"
    [ "$found" = "$2" ] || fails=1
}
check "python -m program, spawned" "True False" venv/bin/python -m program spawn
check "python -m program, forked " "False False" venv/bin/python -m program fork
[ $fails = 0 ] || { echo "DuckDB behaves in another way now"; exit 1; }
