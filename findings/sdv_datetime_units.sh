#!/usr/bin/env bash
# One would guess: SDV draws times that lie among those it has learned from, whatever their unit.
# SDV 2.0.0 (rdt 2.0.0, pandas 2.3.3) takes the integers behind a datetime64[us] or [s] column for
# nanoseconds: times of 2024 come back as times of January 1970. Only datetime64[ns] is right, with
# and without a time zone. pyarrow and parquet give microseconds by default; nothing warns.
# What to do: `.astype("datetime64[ns]")` before `fit`. (SDV is under the Business Source License.)
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
# torch, which sdv needs, first and alone: so pip takes the build that its own settings find.
"$folder/venv/bin/pip" install --quiet torch==2.13.0
"$folder/venv/bin/pip" install --quiet sdv==2.0.0 rdt==2.0.0 pandas==2.3.3
cat >"$folder/show.py" <<'PYTHON'
import warnings

import pandas as pd
import sdv
from sdv.metadata import Metadata
from sdv.single_table import GaussianCopulaSynthesizer

warnings.simplefilter("ignore")
print(f"sdv {sdv.__version__}, pandas {pd.__version__}")
columns = {"time": {"sdtype": "datetime"}, "x": {"sdtype": "numerical"}}
metadata = Metadata.load_from_dict({"tables": {"jobs": {"columns": columns}}})
years = {}
for unit in ("s", "us", "ns", "us, UTC", "ns, UTC"):
    time = pd.Series(pd.date_range("2024-01-01", "2024-06-01", 500)).astype("datetime64[ns]")
    if "UTC" in unit:
        time = time.dt.tz_localize("UTC")
    time = time.astype(f"datetime64[{unit}]")
    synthesizer = GaussianCopulaSynthesizer(metadata)
    synthesizer.fit({"jobs": pd.DataFrame({"time": time, "x": range(500)})})
    drawn = synthesizer.sample(200)["jobs"]["time"]
    print(f"{time.dtype}: {time.min()} to {time.max()} -> {drawn.min()} to {drawn.max()}")
    years[unit] = set(drawn.dt.year)
expected = {"s": {1970}, "us": {1970}, "us, UTC": {1970}, "ns": {2024}, "ns, UTC": {2024}}
assert years == expected, f"it behaves differently now: {years}"
PYTHON
"$folder/venv/bin/python" "$folder/show.py"
