"""Comparing two runs."""

import pytest
from tests.unit.runs.made_up_run import run_command, write

from redwood.errors import InputError
from redwood.runs.comparing import compare


@pytest.fixture
def runs(tmp_path):
    """Two folders of equal results."""
    for name in ("one", "other"):
        write(tmp_path / name / "tables/table1.csv", "model,value\nsmote,0.12345\ntvae,\n")
        write(tmp_path / name / "tables/table1.md", "| smote | 0.123 |\n")
        write(tmp_path / name / "tables/table1_ranking.csv", "value\n2.0\n")
        write(tmp_path / name / "surrogates/smote/sample.parquet", "rows\n")
        for file in (
            *("logs/table1.log", "benchmarks/table1.tsv", "trainings/2/logs/evaluate_smote.log"),
            *("ro-crate-metadata.json", "tables/.partial"),
        ):
            write(tmp_path / name / file, name)
    return tmp_path / "one", tmp_path / "other"


def status(runs, *options):
    return run_command("artefacts", "compare", *map(str, runs), *options).exit_code


def test_equal_results_are_equal_whatever_logs_and_times_say(runs):
    found = compare(*runs)
    assert found.identical == 4
    assert found.same_bytes
    assert found.same_print
    assert status(runs) == 0


def test_digits_that_are_not_printed_are_told_from_those_that_are(runs):
    write(runs[1] / "tables/table1.csv", "model,value\nsmote,0.123451\ntvae,\n")
    write(runs[1] / "tables/table1_ranking.csv", "value\n2.02\n")
    sample = "surrogates/smote/sample.parquet"
    write(runs[1] / sample, "rowS\n")
    found = compare(*runs)
    assert found.differing == [sample, "tables/table1.csv", "tables/table1_ranking.csv"]
    assert found.agreeing == [
        "tables/table1.md: same in print; numbers differ by at most 9.9e-03 of themselves"
    ]
    assert (found.same_bytes, found.same_print) == (False, True)
    assert (status(runs), status(runs, "--printed")) == (1, 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("model,value\nsmote,0.12345\n", "table1.csv has other rows or columns"),
        ("model,value\nsmote,0.12345\ncopy,\n", "table1.csv has copy in place of tvae"),
        ("model,value\nsmote,0.12345\ntvae,2\n", "table1.csv has 2.0 in place of nan"),
        ("model,value\nsmote,0\ntvae,\n", "numbers differ by at most 1.0e+00 of themselves"),
    ],
)
def test_what_differs_in_the_tidy_table_is_said(runs, text, words):
    write(runs[1] / "tables/table1.csv", text)
    assert compare(*runs).agreeing[0].endswith(words)


def test_a_table_that_differs_in_print_is_shown_line_by_line(runs):
    write(runs[1] / "tables/table1.md", "| smote | 0.124 |\n")
    found = compare(*runs)
    assert found.disagreeing == [
        "tables/table1.md:",
        "  -| smote | 0.123 |",
        "  +| smote | 0.124 |",
    ]
    assert status(runs, "--printed") == 1


@pytest.mark.parametrize(
    ("name", "same_print"), [("tables/table2.md", False), ("figures/dcr.png", True)]
)
def test_a_file_that_one_run_lacks_is_a_difference(runs, name, same_print):
    write(runs[0] / name, "more")
    found = compare(*runs)
    assert found.only == [f"{name}: only in {runs[0]}"]
    assert (found.same_bytes, found.same_print) == (False, same_print)


def test_a_missing_folder_is_refused(runs):
    with pytest.raises(InputError, match="none: no such folder"):
        compare(runs[0], runs[0] / "none")


def test_a_folder_without_results_is_no_equal(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/of.log").touch()
    with pytest.raises(InputError, match="holds nothing to compare"):
        compare(tmp_path, tmp_path)
