"""What has changed between two runs, in words; the table beside it; and the page as one file."""

import re

import pytest
from made_up_results import copy_of

from redwood.errors import InputError
from redwood.explore.comparing import Result, in_words
from redwood.explore.exporting import export
from redwood.explore.knobs import Knobs
from redwood.explore.sources import Source
from redwood.explore.tabulating import message, outcome_table, words


def made_up(number, turnaround, groups, folder, **knobs):
    """A result of a mean turnaround, and of it without each of five groups."""
    outcomes = {"turnaround_mean": {"value": turnaround, "without_group": groups}}
    return Result(number, Knobs(**knobs), folder, {"outcomes": outcomes})


def plain(sentences):
    return [sentence.replace("\N{NO-BREAK SPACE}", " ") for sentence in sentences]


@pytest.fixture
def folders(results):
    runs = results / "simulation" / "runs" / "recorded"
    return runs / "least_loaded" / "seed-1", runs / "round_robin" / "seed-1"


def test_a_difference_that_every_group_of_jobs_shows_is_certain(folders):
    one = made_up(1, 600.0, [590.0, 600.0, 610.0, 605.0, 595.0], folders[0])
    other = made_up(2, 300.0, [291.0, 300.0, 309.0, 304.0, 296.0], folders[1], brokerage="random")
    said = plain(in_words(one, other))
    assert said[0] == "Run 2 against run 1: brokerage random instead of least_loaded."
    assert said[1].startswith("Job by job: ")
    assert said[2].startswith("Turnaround, mean: 5 min instead of 10 min, 50 % less (± ")
    assert said[2].endswith(": better.")
    assert plain(in_words(other, one))[2].endswith("100 % more (± 0.0828 min): worse.")


def test_a_difference_that_hangs_on_a_group_may_be_chance(folders):
    one = made_up(1, 600.0, [500.0, 700.0, 600.0, 650.0, 550.0], folders[0])
    other = made_up(2, 590.0, [700.0, 480.0, 590.0, 500.0, 680.0], folders[1], seed=2)
    assert "2 % less, which may be chance (95 % interval ± " in plain(in_words(one, other))[2]


def test_other_jobs_are_not_compared_one_by_one(folders):
    one = made_up(1, 600.0, None, folders[0])
    other = made_up(2, 600.0, None, folders[1], workload="sequoia")
    assert plain(in_words(one, other)) == [
        "Run 2 against run 1: jobs sequoia instead of recorded.",
        "Turnaround, mean: 10 min, as before.",
    ]


def test_the_table_has_each_run_and_what_people_type_stays_text(folders):
    runs = [Result.read(n, Knobs(workload="<b>x</b>"), folder) for n, folder in
            enumerate(folders, 1)]  # fmt: skip
    table = outcome_table(runs, 2)
    assert table.count("<th scope='col'") == 3
    assert "<b>x" not in table
    assert "&lt;b&gt;x" in table
    value = runs[1].summary["outcomes"]["turnaround_mean"]["value"]
    assert f"<td class='shown'>{value / 60:.3g}\N{NO-BREAK SPACE}min</td>" in table
    assert "<script>" not in message("<script>")
    assert words(runs[0], runs[0]) == ""


def test_a_summary_of_another_version_is_named(results, tmp_path):
    folder = copy_of(results, tmp_path) / "simulation/runs/recorded/round_robin/seed-1"
    (folder.parent / "_contents.sha256").unlink()
    (folder / "summary.json").write_text("{}")
    with pytest.raises(InputError, match=r"summary.json: has no outcomes, of another version"):
        Result.read(1, Knobs(), folder)


def test_the_file_needs_nothing_else_and_is_the_same_again(source, tmp_path):
    written = export(source, tmp_path / "grid.html")
    assert [run.knobs.brokerage for run in written] == ["least_loaded", "round_robin"]
    page = (tmp_path / "grid.html").read_text()
    assert not re.findall(r"(?:src|href)=[\"'](?!data:)[^#\"']", page.split("<script", 1)[0])
    assert "cdn." not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"<script[^>]+src=", page)
    assert len(page) < 5e6
    export(Source.open(_folder(source)), tmp_path / "again.html")
    again = (tmp_path / "again.html").read_text()
    assert again == page


def _folder(source):
    return source.known[0].folder.parents[4]


def test_there_is_no_file_of_nothing(results, tmp_path):
    folder = copy_of(results, tmp_path)
    for path in folder.glob("simulation/runs/*/*/scenario.json"):
        path.unlink()
    with pytest.raises(InputError, match=r"nothing was simulated yet; .*press Run, or make all"):
        export(Source.open(folder), tmp_path / "grid.html")
    with pytest.raises(InputError, match=r"expected a name that ends with .html"):
        export(Source.open(results), tmp_path / "grid.csv")
