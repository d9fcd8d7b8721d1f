"""The data card: exact facts, a verdict that follows from them, and nothing that is private."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from redwood.card import survey
from redwood.card.describing import card
from redwood.configuration import Split
from redwood.errors import InputError
from redwood.job_table import column
from redwood.records.splitting import split
from redwood.tables import Column, TableDescription, write_table

FEATURES = ("creationtime", "computingsite", "nfiles", "size", "jobstatus", "workload")
JOBS = TableDescription(
    "mine",
    (
        *(column(name, feature=True) for name in FEATURES),
        *(column(name, feature=False) for name in ("walltime", "task", "user")),
    ),
)
NO_WORKLOAD = dict.fromkeys(("from_cpu_time", "from_hs06sec", "never_ran", "default_core_power"), 0)
VOID = {"meta", "rect", "br", "path", "use"}


def job_frame(rows: int = 2400) -> pd.DataFrame:
    """A job every hour from Monday 2024-01-01 on; ten jobs a task; three users."""
    index = np.arange(rows)
    return pd.DataFrame(
        {
            "creationtime": pd.to_datetime(1_704_067_200 + 3600 * index, unit="s", utc=True),
            "computingsite": np.where(index % 4 == 0, "CERN", "AGLT2"),
            "nfiles": index % 7 + 1,
            "size": 1_000_000_000 * (index % 100),
            "jobstatus": np.where(index % 10 == 0, "failed", "finished"),
            "workload": 10.0 * index,
            "walltime": np.where(index % 5 == 0, np.nan, 60.0),
            "task": [f"feedbeef{i // 10:08x}" for i in range(rows)],
            "user": [f"cafecafe{i % 3:08x}" for i in range(rows)],
        }
    )


def account(kept: int = 2400, **changes: Any) -> dict[str, Any]:
    """cleaning.json of a run that rejected 600 robots."""
    rows = {"kept": kept, "rejected": 600}
    file = {"file": "a.csv", "format": "csv", "bytes": 1, "sha256": "0" * 64}
    return {
        "dataset": "mine",
        "synthetic": False,
        "rows": {"input": kept + 600, **rows},
        "files": [{**file, "rows": kept + 600, **rows}],
        "unreadable": {},
        "steps": [{"reason": "robot", "description": "a test", "rejected": 600, "left": kept}],
        "blanked_cells": {"MAXRSS": 3},
        "workload": {**NO_WORKLOAD, "from_cpu_time": kept},
        "sites": {"known": kept, "folded": 0, "unknown": 0, "masked": 0, "unknown_names": {}},
        "assumptions": {},
        "hash_key": "environment",
        "columns": {},
        "options": {"keep_robots": False, "columns": {}},
        **changes,
    }


def describe(
    folder: Path,
    frame: pd.DataFrame | None = None,
    description: TableDescription = JOBS,
    cleaning: dict[str, Any] | None = None,
    rejected: pd.DataFrame | None = None,
    split_options: Split | None = None,
) -> tuple[dict[str, Any], str]:
    """card.json and card.html of a table."""
    write_table(job_frame() if frame is None else frame, folder / "jobs.parquet", description)
    description.save(folder / "table.json")
    paths: dict[str, Path | None] = {"cleaning": None, "rejected": None, "split": None}
    if cleaning is not None:
        paths["cleaning"] = folder / "cleaning.json"
        paths["cleaning"].write_text(json.dumps(cleaning))
    if rejected is not None:
        paths["rejected"] = folder / "rejected.parquet"
        rejected.to_parquet(paths["rejected"])
    if split_options is not None:
        split(folder / "table.json", folder / "jobs.parquet", split_options, 1, folder)
        paths["split"] = folder / "split.json"
    card(folder / "table.json", folder / "jobs.parquet", *paths.values(), folder / "out")
    return (
        json.loads((folder / "out" / "card.json").read_text()),
        (folder / "out" / "card.html").read_text(),
    )


def of(facts: dict[str, Any], name: str) -> dict[str, Any]:
    return next(column for column in facts["columns"] if column["name"] == name)


def findings(facts: dict[str, Any]) -> list[str]:
    return [finding["text"].replace("\u00a0", " ") for finding in facts["verdict"]["findings"]]


class Balance(HTMLParser):
    """Checks that every element that is opened is closed, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


def test_the_facts_of_a_table_are_exact(tmp_path: Path) -> None:
    facts, _ = describe(tmp_path)
    assert facts["rows"] == 2400
    assert of(facts, "workload")["minimum"] == 0
    assert of(facts, "workload")["median"] == 10 * 1199
    assert of(facts, "workload")["percentile_99"] == 10 * 2375
    assert of(facts, "workload")["maximum"] == 10 * 2399
    assert of(facts, "workload")["mean"] == pytest.approx(10 * 2399 / 2)
    assert of(facts, "workload")["zeros"] == 1
    assert of(facts, "nfiles")["distinct"] == 7
    assert of(facts, "walltime")["missing"] == 480
    assert of(facts, "computingsite")["top"] == [
        {"value": "AGLT2", "rows": 1800},
        {"value": "CERN", "rows": 600},
    ]
    assert of(facts, "creationtime")["minimum"] == "2024-01-01 00:00:00"
    assert sum(of(facts, "size")["histogram"]) == 2400


def test_arrivals_are_counted_by_day_and_hour_of_the_week(tmp_path: Path) -> None:
    frame = job_frame()
    # Two more jobs on Wednesday 2024-01-03 at 7, of 14 Wednesdays in all.
    extra = frame.iloc[[55, 55]]
    facts, _ = describe(tmp_path, pd.concat([frame, extra]))
    span = facts["arrivals"]
    assert span["days"] == 100
    assert (span["first_day"], span["last_day"]) == ("2024-01-01", "2024-04-09")
    assert span["daily"]["2024-01-03"] == 26
    assert set(span["daily"].values()) == {24, 26}
    week = span["hour_of_week"]
    assert week[2][7] == pytest.approx((14 + 2) / 14)
    week[2][7] = 1.0
    assert week == [[1.0] * 24] * 7
    assert span["hourly"] is None


def test_states_by_site(tmp_path: Path) -> None:
    facts, _ = describe(tmp_path)
    # Every 20th job is at CERN and failed.
    assert facts["states"]["sites"] == [
        {"site": "AGLT2", "states": {"finished": 1680, "failed": 120, "closed": 0, "cancelled": 0}},
        {"site": "CERN", "states": {"finished": 480, "failed": 120, "closed": 0, "cancelled": 0}},
    ]
    assert facts["states"]["all"]["failed"] == 240


def test_a_folder_of_files_gives_the_same_card_as_one_file(tmp_path: Path) -> None:
    whole, page = describe(tmp_path)
    table = pq.read_table(tmp_path / "jobs.parquet")
    for start in range(0, 2400, 77):
        file = tmp_path / "jobs" / f"part{start:04}" / "jobs.parquet"
        file.parent.mkdir(parents=True)
        pq.write_table(table.slice(start, 77), file, row_group_size=50)
    card(tmp_path / "table.json", tmp_path / "jobs", None, None, None, tmp_path / "again")
    assert json.loads((tmp_path / "again" / "card.json").read_text()) == whole
    assert (tmp_path / "again" / "card.html").read_text() == page


def test_no_hash_reaches_the_card(tmp_path: Path) -> None:
    names = ("creationtime", "user", "workload", "task")
    columns = (*(column(name, feature=name != "task") for name in names),)
    description = TableDescription("mine", columns)
    facts, page = describe(tmp_path, description=description, split_options=Split())
    text = json.dumps(facts) + page
    assert "cafecafe" not in text
    assert "feedbeef" not in text
    assert of(facts, "user")["distinct"] == 3
    assert of(facts, "user")["largest"] == 800
    assert facts["sample"]["columns"] == ["creationtime", "workload"]


def test_categories_of_few_rows_are_not_named(tmp_path: Path) -> None:
    frame = job_frame()
    sites = frame["computingsite"].to_numpy(dtype=object)
    sites[:4], sites[4:9] = "HOME_OF_ONE", "SMALL_SITE"
    facts, page = describe(tmp_path, frame.assign(computingsite=sites))
    assert "HOME_OF_ONE" not in json.dumps(facts) + page
    assert {"value": "SMALL_SITE", "rows": 5} in of(facts, "computingsite")["top"]
    assert of(facts, "computingsite")["others"] == {"values": 1, "rows": 4}
    assert facts["states"]["others"]["sites"] == 1
    few, page = describe(tmp_path, frame.iloc[:8].assign(computingsite=[*"abcdefgh"]))
    assert {row[1] for row in few["sample"]["rows"]} == {"(rare)"}


def test_the_names_of_rare_unknown_sites_are_left_out(tmp_path: Path) -> None:
    names = {"GRID_A": 300, "SOMEBODY": 2}
    sites = {"known": 2098, "folded": 0, "unknown": 302, "masked": 0, "unknown_names": names}
    facts, page = describe(tmp_path, cleaning=account(sites=sites))
    assert "SOMEBODY" not in json.dumps(facts) + page
    assert any("12.6 % of the jobs ran at sites" in text for text in findings(facts))
    assert any("GRID_A (300)" in text for text in findings(facts))


def test_masked_words_and_exceptions_are_named(tmp_path: Path) -> None:
    words = {"shared": {"words": 1, "rows": 9}, "masked": {"words": 3, "rows": 240}}
    changes = {"words": {"datatype": words}, "exceptions": ["any_site_name"]}
    said = " ".join(findings(describe(tmp_path, cleaning=account(**changes))[0]))
    assert "3 values of datatype are masked, in 10.0 % of the jobs" in said
    assert "records.cleaning.any_site_name is set" in said


def test_rejects_are_counted_by_reason_and_column(tmp_path: Path) -> None:
    rejected = pd.DataFrame(
        {
            "file": ["a.csv"] * 600,
            "record": range(600),
            "line": range(600),
            "reason": ["not_final"] * 590 + ["missing_value"] * 10,
            "column": ["JOBSTATUS"] * 590 + ["INPUTFILEBYTES"] * 10,
            "value": ["running"] * 580 + ["odd"] * 4 + ["holding"] * 6 + [None] * 10,
        }
    )
    facts, page = describe(tmp_path, cleaning=account(), rejected=rejected)
    assert facts["rejects"] == [
        {
            "reason": "not_final",
            "column": "JOBSTATUS",
            "rows": 590,
            "values": [{"value": "running", "rows": 580}, {"value": "holding", "rows": 6}],
        },
        {"reason": "missing_value", "column": "INPUTFILEBYTES", "rows": 10, "values": []},
    ]
    assert "running (580), holding (6)" in page
    assert "odd" not in re.sub("<[^>]*>", " ", page).split()


def test_the_summary_says_what_came_in_and_what_is_left(tmp_path: Path) -> None:
    facts, _ = describe(tmp_path, cleaning=account())
    summary = " ".join(facts["verdict"]["summary"]).replace("\u00a0", " ")
    assert "Of 3,000 rows in 1 file, 2,400 (80.0 %) were kept and 600 (20.0 %) rejected" in summary
    assert "an automatic test, not somebody's work (600 rows, 100 % of the rejected)" in summary
    assert "100 days, 24 jobs a day on average" in summary
    assert "2 sites; the largest, AGLT2, has 75.0 % of them" in summary
    assert "90.0 % finished, 10.0 % failed" in summary
    assert "no values for project, prodstep, datatype, cores" in summary


def usable(**changes: Any) -> pd.DataFrame:
    """A table in which nothing stands out, with some columns as given."""
    return job_frame().assign(**{"walltime": np.arange(2400.0), **changes})


def test_a_clean_table_is_called_usable(tmp_path: Path) -> None:
    facts, page = describe(tmp_path, usable(), cleaning=account())
    assert facts["verdict"]["level"] == "note"
    assert findings(facts) == []
    assert "Usable: nothing stands out" in page


@pytest.mark.parametrize(
    ("changes", "level", "text"),
    [
        ({"workload": 0.0}, "care", "100 % of the jobs have no work"),
        ({"nfiles": 3}, "care", "Column nfiles has one and the same value everywhere"),
        ({"walltime": np.nan}, "care", "Column walltime is missing in 100 % of the rows"),
        ({"size": -1}, "problem", "Column size has 2,400 negative values"),
        ({"workload": np.inf}, "problem", "Column workload has 2,400 infinite values"),
    ],
)
def test_what_is_wrong_with_a_column_is_said(
    tmp_path: Path, changes: dict[str, Any], level: str, text: str
) -> None:
    facts, page = describe(tmp_path, usable(**changes))
    assert any(text in finding for finding in findings(facts))
    assert facts["verdict"]["level"] == level
    assert text in page.replace("\u00a0", " ")


def test_gaps_and_stray_dates_are_said(tmp_path: Path) -> None:
    frame = job_frame()
    frame = frame.drop(index=range(48, 96))
    frame.loc[frame.index[0], "creationtime"] = pd.Timestamp("1970-01-01", tz="UTC")
    facts, _ = describe(tmp_path, frame)
    assert facts["arrivals"]["outside"] == 1
    assert facts["arrivals"]["empty_days"] == ["2024-01-03", "2024-01-04"]
    assert any("is more than 30 days from all others" in text for text in findings(facts))
    assert any("2 days of 100 without any job: 2024-01-03" in text for text in findings(facts))


def test_steps_of_jobs_are_no_loss(tmp_path: Path) -> None:
    rows = {"input": 3000 + 9000, "kept": 2400, "rejected": 600 + 9000}
    told = account(rows=rows, unreadable={"job_step": 9000})
    facts, _ = describe(tmp_path, usable(), cleaning=told)
    assert not any("faulty" in text or "More than half" in text for text in findings(facts))
    assert "a step of a job that has a row of its own" in " ".join(facts["verdict"]["summary"])


@pytest.mark.parametrize(
    ("changes", "level", "text"),
    [
        (
            {"rows": {"input": 9000, "kept": 2400, "rejected": 6600}},
            "care",
            "More than half of the rows are rejected (73.3 %), most of all for robot",
        ),
        (
            {"unreadable": {"text that is no number": 1000}},
            "problem",
            "33.3 % of the rows are faulty (text that is no number 1,000)",
        ),
        (  # 6,000 rows of steps and 3,000 of jobs.
            {
                "rows": {"input": 9000, "kept": 1400, "rejected": 7600},
                "unreadable": {"job_step": 6000, "invalid_json": 1000},
            },
            "problem",
            "33.3 % of the rows are faulty (invalid_json 1,000)",
        ),
        ({"hash_key": "random"}, "note", "hashed with a key drawn for this run"),
        ({"assumptions": {"times without a zone are UTC": 7}}, "note", "Assumed in 7 rows: times"),
        (
            {"workload": {**NO_WORKLOAD, "from_cpu_time": 2400, "default_core_power": 1200}},
            "care",
            "The work of 50.0 % of the jobs assumes the default core power",
        ),
    ],
)
def test_what_the_cleaning_found_is_judged(
    tmp_path: Path, changes: dict[str, Any], level: str, text: str
) -> None:
    facts, _ = describe(tmp_path, usable(), cleaning=account(**changes))
    assert any(text in finding for finding in findings(facts))
    assert facts["verdict"]["level"] == level


@pytest.mark.parametrize(("method", "is_said"), [("random", True), ("task", False)])
def test_near_copies_of_a_random_split_are_said(tmp_path: Path, method: str, is_said: bool) -> None:
    facts, page = describe(tmp_path, split_options=Split(method=method))
    assert any("belong to a task" in text for text in findings(facts)) == is_said
    assert ("records.split.method: task keeps tasks together" in page) == is_said
    assert "All 2,400 jobs are divided" in page


@pytest.mark.parametrize("synthetic", [True, False])
def test_synthetic_records_are_said_to_be_so_at_the_top(tmp_path: Path, synthetic: bool) -> None:
    _, page = describe(tmp_path, cleaning=account(synthetic=synthetic))
    assert ("Synthetic records." in page.split("<section")[0]) == synthetic


def test_the_page_is_whole_and_needs_nothing_else(tmp_path: Path) -> None:
    _, page = describe(tmp_path, cleaning=account(), split_options=Split())
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
    assert "prefers-color-scheme: dark" in page
    assert not re.search(r"(src|href)=\"(?!#)|url\((?!#)|<script|http", page)
    # Whoever cannot see a chart is told what it shows.
    assert all('aria-label="' in chart for chart in re.findall("<svg[^>]*>", page))
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b", re.sub("<[^>]*>", " ", page))


def test_the_page_begins_with_pictures_of_load_sites_and_numbers(tmp_path: Path) -> None:
    frame = job_frame()
    frame["computingsite"] = np.where(np.arange(len(frame)) % 3, "BNL", "$\\frac$ " + "x" * 40)
    facts, page = describe(tmp_path, frame, cleaning=account())
    again = tmp_path / "again"
    again.mkdir()
    assert describe(again, frame, cleaning=account())[1] == page
    glance = page.partition("At a glance")[2].partition("<section>")[0]
    labels = re.findall(r'<svg[^>]*aria-label="([^"]*)"', glance)
    rows = frame["computingsite"].value_counts()
    assert labels[0] == "Jobs per day, UTC"
    assert labels[1].startswith(f"Jobs of the busiest sites: BNL {rows['BNL']:,}, $")
    assert labels[2] == "Jobs per hour of the week, UTC"
    size = of(facts, "size")
    assert "size from 0 bytes to 99 GB, median 49 GB" in labels[3]
    drawn = re.findall(r">([^<>]+)</text>", glance)
    # In full to whoever cannot see it, cut where it would push the bars away; and no formula.
    assert [name for name in drawn if "frac" in name] == ["$\\frac$ " + "x" * 17 + "…"]
    assert any(name.startswith("size, median") for name in drawn)
    assert size["histogram_span"] == [size["minimum"], size["maximum"]]


def test_text_from_a_dump_is_not_taken_for_html(tmp_path: Path) -> None:
    frame = job_frame().assign(computingsite="<img src=x onerror=alert(1)>")
    _, page = describe(tmp_path, frame, cleaning=account(assumptions={"<b>bold</b>": 1}))
    assert "<img" not in page
    assert "<b>bold" not in page
    assert "&lt;img" in page


def test_any_table_has_a_card(tmp_path: Path) -> None:
    features = (Column("petal", "numeric", "cm"), Column("count", "integer"))
    others = (Column("kind", "categorical"), Column("seen", "timestamp", role="auxiliary"))
    frame = pd.DataFrame({"petal": np.linspace(-1.5, 3, 1500), "count": np.arange(1500)})
    frame["kind"], frame["seen"] = "iris", pd.to_datetime([None] * 1500, utc=True)
    facts, page = describe(tmp_path, frame, TableDescription("flowers", (*features, *others)))
    assert facts["noun"] == "row"
    assert facts["arrivals"] is None
    assert facts["states"] is None
    assert "The table has 1,500 rows and 4 columns, 3 of them features" in page
    assert of(facts, "seen")["minimum"] is None


def test_numbers_are_counted_as_they_are(tmp_path: Path) -> None:
    description = TableDescription(
        "odd", (Column("x", "numeric", role="auxiliary"), Column("n", "integer", role="auxiliary"))
    )
    frame = pd.DataFrame(
        {
            "x": [np.nan, np.inf, -np.inf, -1.5, 0.0, -0.0, 2.0, 2.0, np.nan],
            "n": pd.array([None, 2**53 + 1, 2**53 + 1, 0, -1, None, 3, 3, 3], dtype="Int64"),
        }
    )
    facts, _ = describe(tmp_path, frame, description)
    names = ("missing", "infinite", "distinct", "zeros", "negative", "minimum", "maximum")
    assert [of(facts, "x")[name] for name in names] == [2, 2, 3, 2, 1, -1.5, 2.0]
    assert [of(facts, "n")[name] for name in names] == [2, 0, 4, 1, 1, -1, 2**53 + 1]
    assert of(facts, "x")["mean"] == pytest.approx(0.5)


@pytest.mark.parametrize("size", [0.0, 1e15])
def test_numbers_that_differ_in_their_last_digit_are_one_bar(tmp_path: Path, size: float) -> None:
    column = Column("x", "numeric", scale="log", role="auxiliary")
    frame = pd.DataFrame({"x": [size] * 5 + [np.nextafter(size, np.inf)]})
    facts, _ = describe(tmp_path, frame, TableDescription("narrow", (column,)))
    assert of(facts, "x")["histogram"] == [6]


@pytest.mark.parametrize("hours", [1, 30, 24 * 1500])
def test_arrivals_of_any_length_have_a_chart(tmp_path: Path, hours: int) -> None:
    _, page = describe(tmp_path, job_frame(hours).iloc[:: max(1, hours // 500)])
    assert ("Jobs per hour, UTC" in page) == (hours < 72)
    assert ("Jobs per day, UTC" in page) == (hours >= 72)


def test_an_empty_table_is_described_too(tmp_path: Path) -> None:
    facts, _ = describe(tmp_path, job_frame(0))
    assert facts["verdict"]["level"] == "problem"
    assert any("only 0 rows" in text for text in findings(facts))


def test_a_file_that_is_no_account_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cleaning.json: not an account of a cleaning.* steps"):
        describe(tmp_path, cleaning={"rows": {}})
    table = (tmp_path / "table.json", tmp_path / "jobs.parquet")
    with pytest.raises(InputError, match=r"none.json: no such account of a split"):
        card(*table, None, None, tmp_path / "none.json", tmp_path)


def test_a_large_table_is_sampled_for_quantiles_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(survey, "QUANTILE_ROWS", 500)
    facts, page = describe(tmp_path)
    assert facts["quantile_rows"] == 500
    assert "those of 500 rows drawn at random" in page
    # The median of 500 of 2400 numbers has a standard error of at most 2400 / 2 / sqrt(500) = 54.
    assert of(facts, "workload")["median"] == pytest.approx(11_995, abs=10 * 5 * 54)
    assert of(facts, "workload")["maximum"] == 23_990
    assert of(facts, "workload")["distinct"] == 2400
