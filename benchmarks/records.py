"""Time and memory of cleaning dirty dumps, against DuckDB merely reading them.

Ours: `redwood records clean`, its data card included, and `split` on generated dumps of several
formats: every row typed, judged, deduplicated, hashed and accounted for. The reference reads the
same columns of the same files as text, passing over what it cannot read, and writes them as
Parquet; it checks nothing.
Both use all processors. Memory is the largest sum over all processes of a command, sampled.

    python benchmarks/records.py [--quick] [--dumps FOLDER]
"""

import argparse
import json
import os
import platform as machine
import shutil
import sys
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
from processes import python

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from redwood.job_table import RAW_COLUMNS
from redwood.readers.files import find_files

# Raw rows for each job that is asked for: other activities and copies come on top.
ROWS_PER_JOB = 1.57


def ours(dumps: list[Path], output: Path) -> tuple[float, float, dict]:
    """Seconds, peak GB and the account of cleaning, splitting and describing the dumps."""
    records = ("-m", "redwood", "records")
    table = ("--table", output / "table.json", "--jobs", output / "jobs")
    runs = [
        python(*records, "clean", *dumps, "--output", output),
        python(*records, "split", *table, "--seed", "1", "--output", output),
    ]
    account = json.loads((output / "cleaning.json").read_text(encoding="utf-8"))
    return sum(seconds for seconds, _ in runs), max(peak for _, peak in runs), account


def reference(dumps: list[Path], output: Path) -> tuple[float, float]:
    """Seconds and peak GB of DuckDB reading the same columns and writing them."""
    query = " union all by name ".join(f"(select {columns(path)})" for path in dumps)
    program = f'import duckdb; duckdb.sql("""copy ({query}) to \'{output}\' (format parquet)""")'
    return python("-c", program)


def columns(path: Path) -> str:
    """The SQL that reads the columns which cleaning reads from one dump."""
    wanted = sorted(RAW_COLUMNS)
    name = path.name.removesuffix(".gz").removesuffix(".zst")
    pattern = "|".join(wanted)
    if name.endswith(".parquet"):
        return f"columns('(?i)^({pattern})$')::varchar from read_parquet('{path}')"
    if name.endswith(".csv"):
        options = "all_varchar=true, header=true, ignore_errors=true, null_padding=false"
        return f"columns('(?i)^({pattern})$') from read_csv('{path}', {options}, strict_mode=false)"
    fields = ", ".join(f"{column}: 'varchar'" for column in wanted)
    if name.endswith(".jsonl"):
        options = f"columns={{{fields}}}, format='newline_delimited', ignore_errors=true"
        return f"* from read_json('{path}', {options})"
    structure = ", ".join(f"{column} varchar" for column in wanted)
    options = f"columns={{jobs: 'struct({structure})[]'}}, maximum_object_size=2000000000"
    return f"unnest(jobs, recursive := true) from read_json('{path}', {options})"


def generate(jobs: int, output: Path) -> None:
    """Write synthetic dumps with `jobs` user jobs, as plain files: the harder case for us."""
    asked = ("--start", "2024-01-01", "--days", "150", "--sites", "83", "--jobs", str(jobs))
    command = ("-m", "redwood", "generator", "make", *asked, "--seed", "1", "--output", output)
    print(f"generating {jobs} jobs: {python(*command)[0]:.0f} s", file=sys.stderr)
    for path in find_files([output]):
        if path.suffix in (".gz", ".zst"):
            with pa.input_stream(str(path)) as stream, path.with_suffix("").open("wb") as plain:
                shutil.copyfileobj(stream, plain, 1 << 24)
            path.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows")
    parser.add_argument("--dumps", type=Path, help="folder of dumps; generated if not given")
    arguments = parser.parse_args()
    rows = 300_000 if arguments.quick else 3_000_000
    with tempfile.TemporaryDirectory() as folder:
        raw = arguments.dumps or Path(folder, "raw")
        if arguments.dumps is None:
            generate(round(rows / ROWS_PER_JOB), raw)
        dumps = find_files([raw])
        # A first pass brings the files into the page cache for both alike.
        size = sum(len(path.read_bytes()) for path in dumps)
        reference_seconds, reference_peak = reference(dumps, Path(folder, "reference.parquet"))
        seconds, peak, account = ours(dumps, Path(folder, "ours"))
        some = dumps[: max(1, len(dumps) // 4)]
        some_seconds, some_peak, some_account = ours(some, Path(folder, "some"))
    total = account["rows"]["input"]
    line = {
        "name": "records",
        "value": round(total / seconds),
        "unit": "raw rows/s, cleaned, split and described",
        "reference": {
            "name": f"DuckDB {duckdb.__version__} reading the same columns and writing Parquet",
            "value": round(total / reference_seconds),
        },
        "ratio": round(seconds / reference_seconds, 2),
        "ratio_is": "how many times as long as the reference",
        "seconds": round(seconds, 1),
        "rows": total,
        "rows_kept": account["rows"]["kept"],
        "dumps_gb": round(size / 1e9, 2),
        "peak_gb": round(peak, 2),
        "reference_peak_gb": round(reference_peak, 2),
        "a_quarter_of_the_dumps": {
            "rows": some_account["rows"]["input"],
            "us_per_row": round(1e6 * some_seconds / some_account["rows"]["input"], 1),
            "peak_gb": round(some_peak, 2),
        },
        "us_per_row": round(1e6 * seconds / total, 1),
        "machine": f"{os.cpu_count()} cores {machine.machine()}, Python {machine.python_version()}",
    }
    print(json.dumps(line, ensure_ascii=False))


if __name__ == "__main__":
    main()
