"""A plan: totals, prices and the longest chain by hand, and how it is shown."""

import re
from pathlib import Path

import pytest
from made_up_costs import costs, finished_run, write_benchmark
from tests.project import ROOT
from tests.unit.runs.made_up_run import run_command

from redwood.configuration import validate
from redwood.errors import InputError
from redwood.facts import fact_file
from redwood.runs import plan_picture
from redwood.runs.cluster import Cluster
from redwood.runs.cost_scales import COST_SCALES
from redwood.runs.costs import Cost, Job, read_costs
from redwood.runs.dry_run import PlannedJob
from redwood.runs.plan import plan
from redwood.runs.plan_table import render
from redwood.runs.requests import Requests

CONFIGURATION = validate(
    {
        "records": {"source": {"generate": {"jobs": 1000}}},
        "surrogates": {"models": ["smote", "tvae"], "options": {"tvae": {"epochs": 10}}},
        "evaluation": {"measures": ["wd"]},
        "release": {"models": []},
        "simulation": {"policies": ["random"], "seeds": 2},
    }
)
PRICED = Cluster.model_validate(
    {
        "name": "ours",
        "cpu": {"price_per_core_hour": 0.5},
        "gpu": {"price_per_core_hour": 0.25, "price_per_gpu_hour": 2, "speed": 4},
        "currency": "EUR",
    }
)
# Two hours of training a model, and an hour of evaluating one; all other jobs take 36 s.
DEAR = {
    "surrogates_train": Cost("surrogates_train", "", 7200, 0, 0, 9000, 0, 100, 1),
    "evaluate": Cost("evaluate", "", 3600, 0, 0, 2000, 0, 100, 1),
}


# Rule, model, cores, and the positions of the jobs that it waits for.
JOBS = [
    ("generator_make", "", 1, ()),
    ("records_clean_file", "", 1, (0,)),
    ("records_clean_file", "", 1, (0,)),
    ("records_gather", "", 1, (1, 2)),
    ("records_split", "", 1, (3,)),
    ("surrogates_train", "smote", 2, (4,)),
    ("surrogates_train", "tvae", 2, (4,)),
    ("surrogates_sample", "smote", 2, (5,)),
    ("surrogates_sample", "tvae", 2, (6,)),
    ("evaluate", "smote", 1, (7,)),
    ("evaluate", "tvae", 1, (8,)),
    ("table1", "", 1, (9, 10)),
    ("all", "", 1, (11,)),
]


def planned(cluster, at_once=100, dear=DEAR, without=""):
    jobs = [
        PlannedJob(
            *(rule, {"model": model}, (), (), "" if rule == "all" else rule, *others, None),
            stage=rule.partition("_")[0],
        )
        for rule, model, *others in JOBS
    ]
    requests = Requests(CONFIGURATION, cluster, costs(dear), Path("nowhere"))
    return plan(jobs, requests, at_once, without)


def test_a_rules_hours_cores_and_price():
    by_name = {one.name: one for one in planned(PRICED).rules}
    on_gpu, on_cpu = by_name["surrogates_train tvae"], by_name["surrogates_train smote"]
    one = on_gpu.expected
    assert (on_gpu.jobs, one.hours, on_gpu.cores, one.gpu) == (1, 0.5, 2, True)
    assert (on_gpu.core_hours, on_gpu.gpu_hours) == (1, 0.5)
    assert on_gpu.price == pytest.approx(0.5 * (2 * 0.25 + 2))
    assert one.memory_gb == 12
    assert (one.minutes(), one.megabytes()) == (90, 18_000)
    one = on_cpu.expected
    assert (one.hours, one.gpu, on_cpu.gpu_hours, one.memory_gb) == (2, False, 0, 9)
    assert on_cpu.price == pytest.approx(2 * 2 * 0.5)
    evaluated = by_name["evaluate"]
    assert (evaluated.jobs, evaluated.expected.hours, evaluated.core_hours) == (2, 1, 2)
    assert evaluated.price == pytest.approx(1)


def test_the_longest_chain_leads_through_the_slowest_model_alone():
    found = planned(PRICED)
    assert [name for name, _ in found.chain] == [
        *("generator_make", "records_clean_file", "records_gather", "records_split"),
        *("surrogates_train smote", "surrogates_sample smote", "evaluate", "table1"),
    ]
    # All but training and evaluating take 36 s each.
    assert found.shortest_hours == pytest.approx(3 + 0.01 * 6)
    assert found.hours == pytest.approx(found.shortest_hours)


def test_one_job_at_a_time_takes_the_sum():
    one_by_one = planned(PRICED, at_once=1)
    sums = [one.jobs * one.expected.hours for one in one_by_one.rules]
    assert one_by_one.hours == pytest.approx(sum(sums))


def test_a_rule_that_stands_in_takes_nothing():
    found = planned(PRICED, without="generator_make")
    assert found.chain[0][0] == "records_clean_file"
    assert "generator_make" not in {one.name for one in found.rules}


def test_without_gpus_trainings_take_cores():
    by_name = {one.name: one for one in planned(Cluster(gpu=None)).rules}
    assert by_name["surrogates_train tvae"].expected.hours == 2
    assert not any(one.expected.gpu for one in by_name.values())
    assert not any(one.price for one in by_name.values())


def columns(text):
    """Rows of the shown table, cut at two blanks or more."""
    table = text.split("\n\n")[2].splitlines()
    return [re.split(r"\s{2,}", line.strip()) for line in table]


def test_what_dominates_comes_first_and_totals_last():
    text = render(planned(PRICED), PRICED, costs(DEAR))
    header, *rows, total = columns(text)
    assert header[0] == "rule"
    assert header[-1] == "price"
    assert [row[0] for row in rows[:3]] == [
        *("surrogates_train smote", "evaluate", "surrogates_train tvae"),
    ]
    plan_rules = planned(PRICED).rules
    price = f"{sum(one.price for one in plan_rules):.2f}"
    assert f"{price} EUR" in text.split("\n\n")[0]
    assert total == [
        "total",
        str(sum(one.jobs for one in plan_rules)),
        f"{sum(one.core_hours for one in plan_rules):.2f}",
        f"{sum(one.gpu_hours for one in plan_rules):.2f}",
        price,
    ]
    assert "surrogates_train smote 2.0 h, then evaluate 60 min" in " ".join(text.split())


def test_a_bar_a_stage_is_as_long_as_its_core_hours():
    found = planned(PRICED)
    bars = render(found, PRICED, costs(DEAR)).split("\n\n")[1].splitlines()[1:]
    assert [bar.split()[0] for bar in bars] == [
        *("generator", "records", "surrogates", "evaluate", "table1"),
    ]
    # Trainings of 2 h and of half an hour and two samples, on 2 cores each: of 7.1 core hours.
    surrogates, evaluated, table = bars[2:]
    assert surrogates.split()[1:] == [
        *("5.02", "█" * 40, "71", "%", "dearest:", "surrogates_train", "smote"),
    ]
    assert evaluated.split()[1:] == ["2.00", "█" * 16, "28", "%"]
    assert table.split()[1:] == ["0.01", "▏", "0", "%"]


def test_a_plan_is_drawn_in_letters_that_can_be_read_and_in_the_same_bytes(tmp_path, monkeypatch):
    from matplotlib.text import Text

    drawn = []
    write = plan_picture.write_figure
    monkeypatch.setattr(
        plan_picture, "write_figure", lambda *about: (drawn.append(about[0]), write(*about))
    )
    for name in ("one.png", "other.png"):
        plan_picture.draw_plan(planned(PRICED), tmp_path / name, "EUR")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "other.png").read_bytes()
    texts = [text for text in drawn[0].findobj(Text) if text.get_visible() and text.get_text()]
    assert all(text.get_fontsize() >= 7 for text in texts)
    said = {text.get_text() for text in texts}
    assert {"surrogates", "smote", "tvae", "on a core and a GPU"} <= said
    assert any(text.startswith("5.0 h, ") and text.endswith(" EUR") for text in said)
    assert "surrogates_train smote\n2.0 h" in said
    with pytest.raises(InputError, match=r"plan\.csv: its ending is that of another format"):
        plan_picture.draw_plan(planned(PRICED), tmp_path / "plan.csv")


def test_it_says_what_it_does_not_know():
    text = " ".join(render(planned(PRICED), PRICED, costs(DEAR)).split())
    assert "No GPU has been measured" in text
    assert "divided by 4, the gpu.speed" in text
    assert "Measured on a machine" in text
    without = Cluster(gpu=None)
    text = render(planned(without), without, costs(DEAR))
    assert "GPU" not in text.split("\n\n")[3]
    assert "no price being given" in text


def test_guesses_and_excesses_are_marked():
    small = Cluster.model_validate({"name": "ours", "cpu": {"hours": 0.5, "memory_gb": 8}})
    text = render(planned(small), small, costs(DEAR))
    rows = {row[0]: row for row in columns(text)}
    # 600 rows where 100 were measured, two hours of half an hour and 9 GB of 8.
    assert "2.0 h*!" in rows["surrogates_train smote"]
    assert "9.0 GB*!" in rows["surrogates_train smote"]
    assert "36 s" in rows["table1"]
    said = " ".join(text.split())
    assert "up to 8.0 times fewer rows" in said
    assert "(cpu.memory_gb: 8, cpu.hours: 0.5)" in said
    roomy = render(planned(PRICED, dear={}), PRICED, costs())
    assert "!" not in roomy
    assert "*" not in roomy


@pytest.mark.parametrize("cluster", [PRICED, Cluster(), Cluster(gpu=None)])
def test_it_fits_120_characters(cluster):
    assert max(map(len, render(planned(cluster), cluster, costs(DEAR)).splitlines())) <= 120


@pytest.mark.workflow
def test_the_papers_scale_is_planned_before_there_is_a_dump(tmp_path, monkeypatch):
    for variable in ("REDWOOD_CLUSTER", "REDWOOD_HASH_KEY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    cluster = ("--cluster", f"{ROOT}/config/clusters/campus.yaml")
    answer = run_command("plan", "--configfile", f"{ROOT}/config/paper.yaml", *cluster)
    assert answer.exit_code == 0, answer.output
    assert answer.output.startswith("rows: 2,239,654 jobs, as records.split.rows says")
    assert max(map(len, answer.output.splitlines())) <= 120
    assert list(tmp_path.iterdir()) == []
    said = " ".join(answer.output.split())
    assert "any number, most of it surrogates_train sdv_tvae 3.5 h" in said
    rows = columns(answer.output)
    simulated = [row for row in rows if row[0].startswith("simulate ")]
    assert len(simulated) == 16
    assert {row[1] for row in simulated} == {"12"}


def test_costs_are_fitted_by_command(tmp_path):
    finished_run(tmp_path / "mine", 1000)
    write_benchmark(tmp_path / "mine", "table1", 2.5, 80)
    answer = run_command(
        *("costs", "fit", str(tmp_path / "mine")),
        *("--machine", "ours", "--output", str(tmp_path / "costs.csv")),
    )
    assert answer.exit_code == 0, answer.output
    costs_read = read_costs(tmp_path / "costs.csv")
    assert costs_read.machine == "ours"
    assert [(cost.rule, cost.measured) for cost in costs_read] == [("table1", 1)]
    assert answer.output == f"1 jobs, 1 costs: {tmp_path}/costs.csv\n"


def test_the_shipped_costs_cover_every_rule_that_is_measured():
    shipped = read_costs(fact_file("costs.csv"))
    for rule in COST_SCALES:
        shipped.of(Job(rule, "", 1000, 1, gpu=False))
    assert shipped.machine
