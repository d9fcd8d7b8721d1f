"""Checking results against their manifest."""

from pathlib import Path

import pytest
from tests.unit.runs.made_up_run import RESULTS, run_command, write

from redwood.errors import InputError
from redwood.outputs import DIGESTS, write_text
from redwood.runs.checking import MANIFEST, check


def test_an_untouched_run_is_as_its_manifest_says(run):
    run.manifest()
    found = check(RESULTS)
    assert (found.findings, found.not_looked_for) == ([], [])
    assert found.verified == 13


def test_logs_and_what_lies_beside_do_not_count(run):
    run.manifest()
    write(RESULTS / "logs/table1.log", "other")
    write(RESULTS / "tables/mine.csv", "1")
    assert check(RESULTS).findings == []


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda path: path.unlink(), "missing"),
        (lambda path: path.write_text("| WD |\n"), "truncated: 7 of 15 bytes"),
        (
            lambda path: path.write_text("| WD | 0.124 |\n"),
            "changed: as many bytes (15), but others",
        ),
        (lambda path: path.write_text("| WD | 0.123 | |\n"), "changed: 17 bytes, not 15"),
    ],
)
def test_what_happened_to_a_result_is_said_in_words(run, edit, words):
    run.manifest()
    edit(RESULTS / "tables/table1.md")
    assert check(RESULTS).findings == [f"tables/table1.md: {words}"]


def test_a_file_added_to_the_folder_of_a_job_is_named(run):
    run.manifest()
    write(RESULTS / "surrogates/smote/model/more.parquet", "1")
    assert check(RESULTS).findings == ["surrogates/smote/model/more.parquet: added after the run"]


def test_a_changed_input_is_named(run):
    run.manifest()
    write("resources/sites.csv", "site\nFZK-\n")
    Path("data/dump.csv").unlink()
    assert check(RESULTS).findings == [
        "input data/dump.csv: missing",
        "input resources/sites.csv: changed: as many bytes (10), but others",
    ]


def test_inputs_from_elsewhere_are_found_by_their_bytes(run, tmp_path):
    outside = tmp_path / "dumps/panda.csv"
    write(outside, "user\n")
    run.all_jobs(str(outside))
    run.manifest()
    assert check(RESULTS).not_looked_for == ["panda.csv"]
    renamed = outside.rename(tmp_path / "dumps/renamed.csv")
    found = check(RESULTS, [tmp_path / "dumps"])
    assert (found.findings, found.not_looked_for) == ([], [])
    renamed.write_text("USER\n")
    assert check(RESULTS, [renamed]).findings == [
        "input panda.csv: no file given has the bytes that were read"
    ]


def test_no_manifest_and_another_crate_are_refused(run):
    with pytest.raises(InputError, match=r"ro-crate-metadata\.json: no such manifest"):
        check(RESULTS)
    write(RESULTS / "ro-crate-metadata.json", '{"@graph": [{"name": "x"}]}')
    with pytest.raises(InputError, match="not a manifest as REDWOOD writes it"):
        check(RESULTS)


def test_results_of_a_run_that_has_not_ended_are_compared_with_what_was_written(run):
    (RESULTS / DIGESTS).mkdir()
    for name in ("one", "other"):
        write_text(RESULTS / f"tables/{name}.csv", "1\n")
    write(RESULTS / "tables/one.csv", "2\n")
    found = check(RESULTS)
    assert (found.findings, found.verified) == (["tables/one.csv: changed since it was made"], 1)


def test_of_a_damaged_manifest_nothing_is_believed(run):
    (RESULTS / DIGESTS).mkdir()
    run.manifest()
    path = RESULTS / MANIFEST
    path.write_text(path.read_text().replace("tables/table1.md", "tables/table2.md"))
    assert check(RESULTS).findings == [f"{MANIFEST}: changed since it was made"]


def test_the_command_says_what_is_wrong_and_fails(run):
    run.manifest()
    answer = run_command("artefacts", "check", str(RESULTS))
    assert answer.stdout == "13 files are as they were made, 0 are not\n"
    assert answer.exit_code == 0
    (RESULTS / "tables/table1.csv").unlink()
    answer = run_command("artefacts", "check", str(RESULTS))
    assert answer.exit_code == 1
    assert answer.stdout.splitlines() == [
        "tables/table1.csv: missing",
        "12 files are as they were made, 1 are not",
    ]


def test_a_manifest_that_is_lost_is_missing(run):
    (RESULTS / DIGESTS).mkdir()
    write_text(RESULTS / "tables/one.csv", "1\n")
    run.manifest()
    assert check(RESULTS).findings == []
    (RESULTS / MANIFEST).unlink()
    assert check(RESULTS).findings == [f"{MANIFEST}: missing"]
