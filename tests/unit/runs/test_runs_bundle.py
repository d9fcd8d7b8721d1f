"""The bundle: what is in it and what must not be, and its own check."""

import gzip
import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.runs.made_up_run import CONFIGURATION, RESULTS, git, run_command, write

from redwood.errors import InputError
from redwood.outputs import file_digest
from redwood.runs import source_code
from redwood.runs.bundled import check as reviewer
from redwood.runs.bundling import bundle, is_shared

PUBLIC = {"records": {"source": {"generate": {"days": 7}, "bigpanda": None, "retrieve": None}}}


@pytest.fixture
def committed(run):
    """The made-up run in a git checkout, to which the dump does not belong."""
    write(".gitignore", "/results/\n/.snakemake/\n/data/\n/*.zip\n/unzipped/\n")
    git(".", "init", "--quiet")
    git(".", "add", "--all")
    git(".", "commit", "--quiet", "--message", "first")
    run.manifest()
    return run


@pytest.fixture
def unzipped(committed):
    """The folder of an unpacked bundle."""
    bundle(RESULTS, Path("bundle.zip"))
    shutil.unpack_archive("bundle.zip", "unzipped")
    return Path("unzipped/redwood-mini").resolve()


def checked(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    """The check as a reviewer runs it: no library of this project, no environment."""
    command = [sys.executable, "-I", "-S", str(folder / "check.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={}, check=False)


def source_names() -> set[str]:
    """The files of the source that is in the bundle."""
    source = zipfile.ZipFile("bundle.zip").read("redwood-mini/source.tar.gz")
    with tarfile.open(fileobj=io.BytesIO(source)) as tar:
        return set(tar.getnames())


def test_the_command_says_how_to_check_what_it_has_written(committed):
    answer = run_command("artefacts", "bundle", str(RESULTS), "--output", "bundle.zip")
    assert answer.output.endswith("to check it: unzip bundle.zip && redwood-mini/check\n")


def test_a_bundle_holds_what_a_reviewer_needs(committed):
    made = bundle(RESULTS, Path("bundle.zip"))
    assert made.files == (
        *("LEFT_OUT", "README.md", "SHA256SUMS", "check", "check.py"),
        *(f"library/redwood/{name}.py" for name in ("__init__", "errors", "inputs", "outputs")),
        *(f"library/redwood/runs/{name}.py" for name in ("__init__", "checking", "damage")),
        "results/mini/configuration.json",
        "results/mini/ro-crate-metadata.json",
        "results/mini/simulation/runs/recorded/mine/summary.json",
        *(f"results/mini/tables/table1.{suffix}" for suffix in ("csv", "html", "md")),
        "source.tar.gz",
    )
    assert {"Snakefile", "resources/sites.csv", "mine.py"} <= source_names()


def test_what_is_left_out_is_named_in_the_bundle_and_when_it_is_written(committed):
    write(RESULTS / "tables/mine.csv", "1\n")
    made = bundle(RESULTS, Path("bundle.zip"))
    listed = zipfile.ZipFile("bundle.zip").read("redwood-mini/LEFT_OUT").decode().splitlines()
    assert listed == [f"{name}: {why}" for name, why in made.left_out.items()]
    there = {path.as_posix() for path in RESULTS.rglob("*") if path.is_file()} | {"report.html"}
    assert set(made.left_out) == there - set(made.files)
    told = run_command("artefacts", "bundle", str(RESULTS), "--output", "bundle.zip").output
    of_rows = "rows of records, or made from them; the manifest has its digest"
    for line in (
        f"results/mini/simulation/…/jobs.parquet: {of_rows}",
        "results/mini/benchmarks (5 files): tells of times, not of results",
        "results/mini/tables/mine.csv: no result that the manifest names",
        "report.html: not there",
    ):
        assert f"left out: {line}\n" in told


def test_the_same_run_gives_the_same_archive(committed):
    bundle(RESULTS, Path("one.zip"))
    for file in RESULTS.rglob("*"):
        file.touch()
    bundle(RESULTS, Path("two.zip"))
    assert Path("one.zip").read_bytes() == Path("two.zip").read_bytes()


def test_nothing_private_is_in_a_bundle(committed):
    bundle(RESULTS, Path("bundle.zip"))
    with zipfile.ZipFile("bundle.zip") as archive:
        for name in archive.namelist():
            content = archive.read(name)
            if name.endswith(".gz"):
                content = gzip.decompress(content)
            for private in (b"ana.lopez", b"real row", b"4711"):
                assert private not in content, name
                assert private.decode() not in name


@pytest.mark.parametrize(
    "name",
    [
        *("records/jobs/day=2024-01-01/jobs.parquet", "records/train.parquet", "records/card.html"),
        *("records/raw/dump.csv", "records/cleaned/dump/rejected.parquet", "records/table.json"),
        *("surrogates/smote/model/rows.parquet", "surrogates/smote/sample.parquet"),
        *("surrogates/sequoia/densities.parquet", "evaluation/smote/dcr.parquet"),
        *("release/shadow_models/smote/sample.parquet", "release/planted/train.parquet"),
        *("shadows/2/release/planted/train.parquet", "shadows/2/logs/release_plant.log"),
        *("release/decisions/smote/published/deeper/rows.parquet", "report.html"),
        *("simulation/runs/recorded/random/seed-1/jobs.parquet", "logs/table1.log"),
        *("trainings/2/surrogates/smote/sample.parquet", "trainings/2/logs/evaluate_smote.log"),
        *("simulation/runs/recorded/random/scenario.json", "unheard/of.csv", "other/tables/t.csv"),
    ],
)
def test_a_result_that_could_hold_rows_is_not_shared_unless_it_was_released(name):
    assert not is_shared(name)
    assert is_shared("release/decisions/sequoia/published/sample.parquet")
    assert is_shared("trainings/2/evaluation/smote/measures.json")


def test_a_dump_that_is_in_the_repository_is_left_out_of_the_source(committed):
    git(".", "add", "--force", "data/dump.csv")
    git(".", "commit", "--quiet", "--message", "a dump")
    committed.manifest()
    bundle(RESULTS, Path("bundle.zip"))
    assert "mine.py" in source_names()
    assert "data/dump.csv" not in source_names()


def test_the_report_is_bundled_if_it_is_of_these_results_and_public(committed):
    report = RESULTS.parent / "report.html"
    write(report, file_digest(RESULTS / "tables/table1.html"))
    made = bundle(RESULTS, Path("bundle.zip"))
    assert "report.html" not in made.files
    assert made.left_out["report.html"] == "describes records that are not public"
    committed.forget()
    table = {f"{RESULTS}/tables/table1.{suffix}": "<p>WD 0.123</p>\n" for suffix in ("csv", "html")}
    committed.job("table1", [], table)
    committed.manifest(CONFIGURATION | PUBLIC)
    made = bundle(RESULTS, Path("bundle.zip"))
    assert "report.html" in made.files
    assert "workflow.html" not in made.files
    paper = f"{RESULTS}/paper/paper.pdf"
    write(Path(paper), "of other results")
    assert bundle(RESULTS, Path("bundle.zip")).left_out[paper] == (
        "shows another table1.html than these results have"
    )
    write(Path(paper), file_digest(RESULTS / "tables/table1.html"))
    assert paper in bundle(RESULTS, Path("bundle.zip")).files
    write(report.with_name("workflow.html"), b64encode(b"<p>WD 0.123</p>\n").decode())
    assert "workflow.html" in bundle(RESULTS, Path("bundle.zip")).files
    write(report, "another")
    made = bundle(RESULTS, Path("bundle.zip"))
    assert made.left_out["report.html"] == "shows another table1.html than these results have"


def test_results_that_are_not_what_was_made_are_refused(committed):
    write(RESULTS / "tables/table1.csv", "measure,value\nwd,0.00001\n")
    with pytest.raises(InputError, match=r"first tables/table1\.csv: changed"):
        bundle(RESULTS, Path("bundle.zip"))
    assert not Path("bundle.zip").exists()


def test_a_source_that_is_no_commit_is_refused(committed):
    write("Snakefile", "# edited\n")
    committed.manifest()
    with pytest.raises(InputError, match="was changed and not committed"):
        bundle(RESULTS, Path("bundle.zip"))
    shutil.rmtree(".git")
    committed.manifest()
    with pytest.raises(InputError, match="the commit is not known"):
        bundle(RESULTS, Path("bundle.zip"))


def test_a_reviewer_checks_it_without_this_library(unzipped):
    answer = checked(unzipped)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("18 files are as they were bundled (SHA256SUMS is ")
    assert "5 of them are results, as the manifest of the run says" in answer.stdout
    assert f"source.tar.gz is of commit {git('.', 'rev-parse', 'HEAD')}" in answer.stdout
    assert "5 results that the manifest names are not here" in answer.stdout


def test_the_script_beside_it_does_the_same_where_another_version_is_installed(unzipped, tmp_path):
    write(tmp_path / "redwood/__init__.py", "raise SystemExit(3)")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = ["sh", str(unzipped / "check")]
    subprocess.run(command, cwd="/", env=environment, check=True, capture_output=True)


def test_a_flipped_byte_a_missing_and_an_additional_file_are_named(unzipped):
    table = unzipped / "results/mini/tables/table1.csv"
    content = bytearray(table.read_bytes())
    content[-2] ^= 1
    table.write_bytes(content)
    (unzipped / "results/mini/tables/table1.md").unlink()
    write(unzipped / "results/mini/tables/table3.csv", "1\n")
    answer = checked(unzipped)
    assert answer.returncode == 1
    assert answer.stdout.splitlines() == [
        "results/mini/tables/table1.csv: changed",
        "results/mini/tables/table1.md: missing",
        "results/mini/tables/table3.csv: not part of the bundle",
        "3 faults: this is not what was bundled",
    ]


def forge(unzipped: Path, name: str, content: bytes) -> None:
    """Replace a file and its digest."""
    before = file_digest(unzipped / name)
    (unzipped / name).write_bytes(content)
    sums = unzipped / "SHA256SUMS"
    sums.write_text(sums.read_text().replace(before, file_digest(unzipped / name)))


def test_a_table_whose_digest_was_forged_too_is_not_what_the_manifest_says(unzipped):
    forge(unzipped, "results/mini/tables/table1.csv", b"measure,value\nwd,0.00001\n")
    answer = checked(unzipped)
    assert answer.returncode == 1
    assert "mini/tables/table1.csv: not what the manifest says the run has made" in answer.stdout


def with_a_file_behind_a_link(unzipped: Path) -> None:
    write(unzipped.parent / "elsewhere/table3.csv", "1\n")
    (unzipped / "results/mini/tables/more").symlink_to(unzipped.parent / "elsewhere")


def with_a_linked_result(unzipped: Path) -> None:
    table = unzipped / "results/mini/tables/table1.csv"
    table.rename(unzipped.parent / "table1.csv")
    table.symlink_to(unzipped.parent / "table1.csv")


def without(*names: str) -> Callable[[Path], None]:
    """Files deleted together with their lines."""

    def harm(unzipped: Path) -> None:
        sums = unzipped / "SHA256SUMS"
        lines = sums.read_text().splitlines(keepends=True)
        for name in names:
            (unzipped / name).unlink()
            lines = [line for line in lines if not line.endswith(f"  {name}\n")]
        sums.write_text("".join(lines))

    return harm


def with_line(line: bytes) -> Callable[[Path], None]:
    """The first line of the list of digests replaced by another."""

    def harm(unzipped: Path) -> None:
        sums = unzipped / "SHA256SUMS"
        sums.write_bytes(line + b"\n" + sums.read_bytes().split(b"\n", 1)[1])

    return harm


def with_file(name: str) -> Callable[[Path], None]:
    return lambda unzipped: write(unzipped / name, "1\n")


TABLE, MANIFEST = "results/mini/tables/table1.csv", "results/mini/ro-crate-metadata.json"


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (with_file("results/mini/__pycache__/x.pyc"), "results/mini/__pycache__/x.pyc: not part"),
        (with_file("results/mini/.hidden"), "results/mini/.hidden: not part of the bundle"),
        (lambda unzipped: (unzipped / "empty").mkdir(), "empty: not part of the bundle"),
        (lambda unzipped: os.mkfifo(unzipped / "pipe"), "pipe: not part of the bundle"),
        (with_a_file_behind_a_link, "results/mini/tables/more: not part of the bundle"),
        (with_a_linked_result, f"{TABLE}: a link, expected a file"),
        (without(TABLE), "mini/tables/table1.csv: neither here nor in SHA256SUMS, but in the"),
        (without("source.tar.gz"), "source.tar.gz: neither here nor in SHA256SUMS, but part of"),
        (without("LEFT_OUT"), "LEFT_OUT: neither here nor in SHA256SUMS, but part of every"),
        (without(MANIFEST), "0 manifests in results/*/, expected one"),
        (with_line(b"\xff\x00"), "SHA256SUMS: line 1: expected the digest of a file"),
        (with_line(b"0" * 63 + b"  check"), "SHA256SUMS: line 1: expected the digest of a file"),
        (with_line(b"0" * 64 + b"  ../../x"), "../../x: a path that leads out of the bundle"),
        (with_line(b"0" * 64 + b"  " + b"x" * 999), "x: cannot be read: "),
        (lambda unzipped: forge(unzipped, "source.tar.gz", b"none"), "source.tar.gz: not of"),
        (lambda unzipped: forge(unzipped, MANIFEST, b"[1]"), "not a manifest"),
    ],
)
def test_each_other_fault_of_a_bundle_is_named_and_none_is_a_traceback(unzipped, harm, said):
    harm(unzipped)
    answer = checked(unzipped)
    assert (answer.returncode, answer.stderr) == (1, "")
    assert said in answer.stdout


def test_a_source_of_another_commit_is_not_what_made_the_results(unzipped):
    git(".", "commit", "--quiet", "--allow-empty", "--message", "second")
    another = source_code.archive(Path(), git(".", "rev-parse", "HEAD"))
    forge(unzipped, "source.tar.gz", gzip.compress(another))
    answer = checked(unzipped)
    assert answer.returncode == 1
    assert answer.stdout.startswith("source.tar.gz: not of commit ")


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("SHA256SUMS", Path.unlink),
        ("SHA256SUMS", lambda path: path.unlink() or path.mkdir()),
        ("SHA256SUMS", lambda path: path.write_text("\0\n")),
        ("library/redwood/errors.py", Path.unlink),
        ("library/redwood/errors.py", lambda path: path.write_text("class InputError(")),
        ("library/redwood/inputs.py", lambda path: path.with_suffix(".pyc").write_text("1")),
    ],
)
def test_a_bundle_without_what_its_check_needs_is_no_bundle(unzipped, name, harm):
    harm(unzipped / name)
    answer = checked(unzipped)
    assert answer.returncode == 1
    assert "nothing can be checked" in answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr


def test_records_that_are_not_here_cannot_be_read_again(unzipped):
    answer = checked(unzipped, "--rerun")
    assert answer.returncode == 1
    assert "cannot be made again: the raw records are not here (data/dump.csv)" in answer.stdout


@pytest.mark.parametrize(
    ("source", "needed"),
    [
        ({"generate": {}, "bigpanda": None, "files": []}, []),
        ({"generate": None, "bigpanda": None, "files": [], "retrieve": {"url": "x"}}, []),
        ({"generate": None, "bigpanda": {"url": "monitor"}, "files": []}, ["monitor"]),
        ({"generate": None, "bigpanda": None, "files": ["a"], "retrieve": {"url": "x"}}, ["a"]),
    ],
)
def test_what_a_rerun_needs_follows_from_the_configuration(source, needed):
    assert reviewer.dumps_needed({"records": {"source": source}}) == needed


@pytest.mark.parametrize(
    ("tables", "status", "words"),
    [
        ({"table1.csv": "0.12345", "table1.md": "0.123"}, 0, "the same, byte for byte"),
        ({"table1.csv": "0.12346", "table1.md": "0.123"}, 0, "all tables are the same in print"),
        ({"table1.csv": "0.12345", "table1.md": "0.124"}, 1, "table1.md: not the same in print"),
        ({"table1.csv": "0.12345"}, 1, "table1.md: was not made again"),
    ],
)
def test_tables_made_again_are_compared(tmp_path, capsys, tables, status, words):
    write(tmp_path / "bundled/tables/table1.csv", "0.12345")
    write(tmp_path / "bundled/tables/table1.md", "0.123")
    for name, text in tables.items():
        write(tmp_path / "again/tables" / name, text)
    assert reviewer.compare_tables(tmp_path / "bundled", tmp_path / "again") == status
    assert words in capsys.readouterr().out


def test_a_rerun_runs_the_source_and_compares(committed, tmp_path):
    committed.forget()
    committed.job("table1", [], {f"{RESULTS}/tables/table1.csv": "1\n"})
    committed.manifest(CONFIGURATION | PUBLIC)
    bundle(RESULTS, Path("bundle.zip"))
    shutil.unpack_archive("bundle.zip", "unzipped")
    # In place of Snakemake, what makes the table from the unpacked source and the configuration.
    program = (
        "import sys, pathlib; assert pathlib.Path('Snakefile').exists(); "
        "assert pathlib.Path(sys.argv[2]).name == 'configuration.json'; "
        "table = pathlib.Path('results/mini/tables/table1.csv'); "
        "table.parent.mkdir(parents=True); table.write_text('1\\n')"
    )
    command = f'{sys.executable} -c "{program}"'
    folder = tmp_path / "again"
    answer = checked(
        Path("unzipped/redwood-mini").resolve(),
        *("--rerun", "--folder", str(folder), "--cores", "1", "--command", command),
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "all tables are the same, byte for byte" in answer.stdout
