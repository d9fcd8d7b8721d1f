"""The time left of a run: by hand, and at each moment of one that was recorded."""

import csv
import os
from pathlib import Path

import pytest
import yaml
from tests.project import ROOT

from redwood.configuration import validate
from redwood.facts import fact_file
from redwood.runs.cluster import read_cluster
from redwood.runs.cost_scales import COST_SCALES
from redwood.runs.costs import read_costs
from redwood.runs.requests import Requests
from redwood.runs.time_left import Step, TimeLeft

#     one a (10 s) ── two c (20 s)
#     one b (10 s)
STEPS = [Step("one", ()), Step("one", ()), Step("two", (0,))]


@pytest.fixture
def left() -> TimeLeft:
    return TimeLeft(STEPS, [10.0, 10.0, 20.0], 2)


def test_before_anything_runs_it_is_what_costs_say(left):
    assert left.seconds(0) == 30
    assert TimeLeft(STEPS, [10.0, 10.0, 20.0], 1).seconds(0) == 40
    left.expect([1.0, 1.0, 2.0])
    assert left.seconds(0) == 3


def test_what_runs_has_the_rest_left_and_what_is_late_a_fifth_of_its_age(left):
    left.start(0, 100)
    left.start(1, 100)
    assert left.running == [0, 1]
    assert left.seconds(104) == 6 + 20
    # Whatever waits, what runs keeps its core.
    assert left.seconds(150) == 50 / 5 + 20


def test_jobs_that_took_longer_correct_their_rule_most_and_others_less(left):
    for job in (0, 1):
        left.start(job, 0)
    left.finish(0, 40)
    slower = left.seconds(40)
    assert 20 < slower < 80
    left.finish(1, 40)
    # All jobs took four times as long, and 20 s of what was known before stand against that.
    of_all = (20 + 80) / (20 + 20)
    assert left.seconds(40) == pytest.approx(20 * of_all)
    assert left.running == []


def test_jobs_that_share_their_time_say_nothing_of_what_they_take(left):
    left.start(0, 0, alone=False)
    left.finish(0, 1000)
    left.finish(1, 1000)
    assert left.seconds(1000) == 20


def test_what_waits_for_a_failed_job_counts_again_once_that_is_started_again(left):
    left.start(0, 0)
    left.start(1, 0)
    left.fail(0)
    assert left.seconds(4) == 6
    left.start(0, 4)
    assert left.seconds(4) == 10 + 20


def recorded() -> list[dict[str, str]]:
    path = Path(__file__).with_name("recorded_run.csv")
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))


@pytest.mark.parametrize("machine", [0.5, 1, 2], ids="costs of a machine {}x as slow".format)
def test_of_a_recorded_run_the_time_left_is_within_half_from_a_quarter_on(tmp_path, machine):
    run = recorded()
    content = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    # What the recorded run trained Grove for.
    content["surrogates"]["options"]["grove"] = {"epochs": 120}
    configuration = validate(content)
    cluster = read_cluster(tmp_path, os.environ)
    requests = Requests(configuration, cluster, read_costs(fact_file("costs.csv")), tmp_path)
    seconds = [
        3600 * machine * requests.expected(job["rule"], wildcards).hours
        if job["rule"] in COST_SCALES
        else 0.0
        for job in run
        for wildcards in [dict(pair.split("=", 1) for pair in job["wildcards"].split())]
    ]
    steps = [Step(job["rule"], tuple(map(int, job["after"].split()))) for job in run]
    left = TimeLeft(steps, seconds, 2)
    # At the same second jobs end before others begin.
    events = sorted(
        (float(job[when]), when == "start_s", number)
        for number, job in enumerate(run)
        for when in ("start_s", "end_s")
        if job["start_s"] != job["end_s"]
    )
    end = events[-1][0]
    wrong = {}
    for percent in range(5, 100, 5):
        now = end * percent / 100
        while events and events[0][0] <= now:
            moment, starts, number = events.pop(0)
            (left.start if starts else left.finish)(number, moment)
        wrong[percent] = left.seconds(now) / (end - now)
    assert all(1 / 1.5 < factor < 1.5 for percent, factor in wrong.items() if percent >= 25), wrong
    assert 1 / 1.25 < wrong[50] < 1.25, wrong
