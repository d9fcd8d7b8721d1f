#!/usr/bin/env bash
# One would guess: with `store_rejects = true`, DuckDB's CSV reader lists every line that it does not
# return. A line with a broken quote costs that line, or at worst the lines of one quoted cell.
# In fact: of 2,000 lines, one broken quote in the 61st costs 1,940 rows, of which one is listed as
# rejected. Nothing says that the others are gone. Without a given dialect all 2,000 rows come, the
# quote as a part of the text.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check duckdb==2.0.0
cd "$folder"
venv/bin/python - <<'PYTHON'
import duckdb

lines = ["id,name,value", *(f"{i},job {i},{2 * i}" for i in range(2000))]
lines[61] = '60,"broken quote,120'
with open("rows.csv", "w") as file:
    file.write("\n".join(lines) + "\n")

DIALECT = """, auto_detect = false, header = true, delim = ',', quote = '"', escape = '"',
    columns = {'id': 'VARCHAR', 'name': 'VARCHAR', 'value': 'VARCHAR'}"""


def read(dialect: str) -> tuple[int, int]:
    with duckdb.connect() as database:
        query = f"SELECT count(*) FROM read_csv('rows.csv', store_rejects = true{dialect})"
        [(rows,)] = database.sql(query).fetchall()
        [(rejected,)] = database.sql("SELECT count(DISTINCT line) FROM reject_errors").fetchall()
    return rows, rejected


given, guessed = read(DIALECT), read("")
print(f"DuckDB {duckdb.__version__}, 2,000 lines, one broken quote in the 61st")
print(f"dialect given:   {given[0]:,} rows, {given[1]} listed as rejected")
print(f"dialect guessed: {guessed[0]:,} rows, {guessed[1]} listed as rejected")
assert (given, guessed) == ((60, 1), (2000, 0)), "DuckDB behaves in another way now"
PYTHON
