import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows, write_tables
from threadpoolctl import threadpool_limits

from redwood.configuration import Evaluation
from redwood.errors import InputError
from redwood.evaluation import measures
from redwood.evaluation.evaluating import evaluate
from redwood.evaluation.reading import read_samples
from redwood.tables import DENSITIES, Column, TableDescription, write_table


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """The files of an evaluation: the description, training, holdout and synthetic rows."""
    rows = {"train": toy_rows(2000, 1), "holdout": toy_rows(600, 2), "synthetic": toy_rows(700, 3)}
    return write_tables(tmp_path_factory.mktemp("tables"), **rows)


def run(tables, output, **options):
    """Evaluate, and return what was found of each measure."""
    options = Evaluation(**{"target": "work", "groups": 5, **options})
    evaluate(*tables, output, options, seed=1)
    return json.loads((output / "measures.json").read_text())["measures"]


def test_the_folder_holds_what_the_tables_and_figures_need(tables, tmp_path):
    run(tables, tmp_path / "out")
    content = json.loads((tmp_path / "out/measures.json").read_text())
    assert content["rows"] == 700
    assert content["given"] == {"train": 2000, "holdout": 600, "synthetic": 700}
    assert set(content["measures"]) == set(Evaluation().measures)
    for name, measure in content["measures"].items():
        assert measure["definition"]
        if measure["value"] is None:
            # What the toy table, or a run without a model's densities, lacks.
            assert name in ("attack_likelihood", "diff_mlef_class", "conditional")
            continue
        assert measure["low"] <= measure["value"] <= measure["high"]
        assert measure["floor"] >= 0
    columns = pd.read_csv(tmp_path / "out/columns.csv")
    assert {"wd", "jsd"} <= set(columns["measure"]) <= set(content["measures"])
    matrix = pd.read_parquet(tmp_path / "out/association.parquet")
    assert list(matrix.columns) == ["a", "b", "kind", "real", "synthetic", "floor"]
    assert set(pd.read_parquet(tmp_path / "out/dcr.parquet")["origin"]) == {"synthetic", "holdout"}


def test_same_seed_same_bytes(tables, tmp_path):
    for name in ("a", "b"):
        run(tables, tmp_path / name, measures=("wd", "diff_corr", "dcr", "diff_mlef"))
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert files == sorted(path.name for path in (tmp_path / "b").iterdir())
    for name in files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_an_inapplicable_measure_is_reported_as_such(tables, tmp_path):
    numbers = [column for column in DESCRIPTION.columns if not column.is_categorical]
    TableDescription("numbers", tuple(numbers)).save(tmp_path / "table.json")
    paths = [tmp_path / "table.json", *tables[1:]]
    measures = run(paths, tmp_path / "out", measures=("jsd", "wd"))
    assert measures["jsd"]["value"] is None
    assert measures["jsd"]["note"] == "the table has no categorical feature"
    assert measures["wd"]["value"] > 0


def test_the_real_samples_share_no_row_and_a_large_sample_is_thinned(tables, tmp_path, capsys):
    write_table(toy_rows(1900, 9), tmp_path / "large.parquet", DESCRIPTION)
    paths = [*tables[:3], tmp_path / "large.parquet"]
    samples, given = read_samples(*paths, Evaluation(target="work"), seed=1)
    (other,) = samples.others
    assert len(samples.synthetic) == len(samples.fresh) == len(other) == 1000
    assert sorted([*samples.fresh["work"], *other["work"]]) == sorted(samples.train["work"])
    assert given["synthetic"] == 1900
    assert samples.synthetic["when"].is_monotonic_increasing
    assert "evaluates 1000 of 1900 synthetic rows" in capsys.readouterr().err
    # An attacker has them all.
    assert len(samples.published) == 1900


def test_an_earlier_release_is_the_attackers_and_nobody_elses(tables, tmp_path):
    previous = tmp_path / "previous.parquet"
    write_table(toy_rows(70, 9), previous, DESCRIPTION)
    samples, given = read_samples(*tables, Evaluation(target="work"), 1, previous=previous)
    assert given["previous"] == 70
    assert len(samples.published) == len(samples.synthetic) + 70


def test_densities_are_one_for_each_row(tables, tmp_path):
    sizes = [pq.read_metadata(path).num_rows for path in tables[1:3]]
    frame = pd.DataFrame({"origin": np.repeat(["train", "holdout"], sizes).astype(object)})
    frame["log_density"] = np.where(frame.index % 7, -1.5, -np.inf)

    def read(rows):
        densities = tmp_path / "densities.parquet"
        write_table(rows, densities, DENSITIES)
        return read_samples(*tables, Evaluation(target="work"), 1, densities=densities)[0].densities

    members, others = read(frame)
    assert [len(members), len(others)] == sizes
    assert members[1] == -1.5
    assert np.isneginf(members[0])
    with pytest.raises(InputError, match=f"{sizes[1] - 1} rows of origin 'holdout', expected"):
        read(frame.iloc[:-1])


def test_where_the_training_rows_suffice_there_are_three_real_samples(tables):
    options = Evaluation(target="work", target_class="state", conditionals=(("site", "work"),))
    samples, _ = read_samples(*tables[:3], tables[2], options, seed=1)
    assert (samples.target, samples.target_class) == ("work", "state")
    assert samples.conditionals == (("site", "work"),)
    drawn = [*samples.fresh["work"], *(work for other in samples.others for work in other["work"])]
    assert len(drawn) == len(set(drawn)) == 3 * 600
    assert set(drawn) <= set(samples.train["work"])


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("work", -2.5, r"data row 4: 'work' is -2.5, expected a finite number above -1"),
        ("work", np.inf, r"data row 4: 'work' is inf, expected a finite number above -1"),
        ("size", -1, r"data row 4: 'size' is -1, expected a finite number above -1"),
        ("load", np.inf, r"data row 4: 'load' is inf, expected a finite number$"),
    ],
)
def test_numbers_off_their_scale_are_named(tmp_path, column, value, message):
    description = TableDescription("t", (*DESCRIPTION.columns, Column("load", "numeric")))
    train, holdout, synthetic = (toy_rows(rows, 3).assign(load=1.0) for rows in (400, 100, 100))
    synthetic.loc[3, column] = value
    frames = {"train": train, "holdout": holdout, "synthetic": synthetic}
    with pytest.raises(InputError, match=f"synthetic.parquet: {message}"):
        run(write_tables(tmp_path, description, **frames), tmp_path / "out")


@pytest.mark.parametrize(
    ("options", "rows", "message"),
    [
        ({"target": "speed"}, 700, "evaluation.target is 'speed', which is no feature"),
        ({"target": "site"}, 700, "'site', which is a categorical feature of .*when, size, work"),
        ({"target": "work"}, 7, "7 rows, expected at least 40"),
    ],
)
def test_what_cannot_be_evaluated_is_said(tables, tmp_path, options, rows, message):
    write_table(toy_rows(rows, 3), tmp_path / "synthetic.parquet", DESCRIPTION)
    with pytest.raises(InputError, match=message):
        run([*tables[:3], tmp_path / "synthetic.parquet"], tmp_path / "out", groups=20, **options)
    assert not (tmp_path / "out").exists()


# OpenBLAS divides only vectors of more than 10,000 among threads.
@pytest.mark.parametrize(
    ("measures", "rows"), [(("wd", "diff_corr"), 15_000), (("c2st", "c2st_sequence"), 300)]
)
def test_the_measures_do_not_depend_on_the_number_of_threads(tmp_path, measures, rows):
    train, holdout, synthetic = (toy_rows(n * rows, seed) for seed, n in enumerate((2, 1, 1)))
    tables = write_tables(tmp_path, train=train, holdout=holdout, synthetic=synthetic)
    for threads in (1, 2):
        with threadpool_limits(threads):
            run(tables, tmp_path / str(threads), measures=measures)
    for name in ("measures.json", "columns.csv"):
        first, second = (tmp_path / threads / name for threads in ("1", "2"))
        assert first.read_bytes() == second.read_bytes()


def test_a_table_of_anything_is_evaluated_with_no_option_at_all(tmp_path):
    cards = TableDescription("cards", (Column("suit", "categorical"), Column("value", "integer")))
    frames = {}
    for seed, name in enumerate(("train", "holdout", "synthetic")):
        random = np.random.default_rng(seed)
        suits = random.choice(["hearts", "spades"], 400).astype(object)
        frames[name] = pd.DataFrame({"suit": suits, "value": random.integers(1, 14, 400)})
    tables = write_tables(tmp_path, cards, **frames)
    evaluate(*tables, tmp_path / "out", Evaluation(), seed=1)
    measures = json.loads((tmp_path / "out/measures.json").read_text())["measures"]
    assert measures["jsd"]["value"] < 0.1
    assert measures["diff_mlef"]["note"] == (
        "the target 'workload' is no numeric feature of the table; evaluation.target may be one of "
        "value"
    )


def test_tables_that_do_not_match_are_named(tables, tmp_path):
    rows, synthetic = toy_rows(300, 3), tmp_path / "synthetic.parquet"
    for frame, message in (
        (rows.drop(columns="work"), "column 'work' is missing; there are when, site"),
        (rows.assign(work="much"), "data row 1: work is 'much', expected a number"),
        (
            rows.assign(work=rows["work"].where(rows.index != 5)),
            "data row 6: feature 'work' has no",
        ),
        (
            rows.assign(site=rows["site"].where(rows.index != 7)),
            "data row 8: feature 'site' has no",
        ),
        (rows.iloc[:0], "0 rows, expected at least 10"),
        (rows.iloc[:1], "1 rows, expected at least 10"),
    ):
        frame.to_parquet(synthetic)
        with pytest.raises(InputError, match=f"synthetic.parquet: {message}"):
            run([*tables[:3], synthetic], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_further_columns_and_unseen_categories_and_repeated_rows_have_defined_values(
    tables, tmp_path
):
    rows = toy_rows(300, 3)
    strange = rows.assign(site="nowhere", state="unheard of")
    repeated = rows.iloc[[5] * 300].reset_index(drop=True)
    measures = ("wd", "jsd", "diff_corr", "joint", "c2st", "near_copies", "attack_density", "nndr")
    # Columns that the description does not have are nobody's business.
    more = rows.assign(mood="good")
    found = {}
    frames = {"rows": rows, "strange": strange, "repeated": repeated, "more": more}
    for name, frame in frames.items():
        frame.to_parquet(tmp_path / "synthetic.parquet")
        paths = [*tables[:3], tmp_path / "synthetic.parquet"]
        measured = run(paths, tmp_path / name, measures=measures)
        found[name] = {key: entry["value"] for key, entry in measured.items()}
        assert np.isfinite(list(found[name].values())).all()
    assert found["more"] == found["rows"]
    # No category is shared: base 2, that is 1.
    assert found["strange"]["jsd"] == pytest.approx(1)
    assert found["strange"]["wd"] == found["rows"]["wd"]
    assert found["strange"]["near_copies"] == 0
    assert found["repeated"]["c2st"] > 0.95


OWN = '''"""An attack of one's own."""

from redwood.evaluation.contract import Result

TITLE, UNIT, DIRECTION, DEFINITION = "own attack", "1", "lower", "What it finds."
{aspect}


def measure(samples):
    return Result(0.5, 0.4, 0.6, 0.01)


def judge(measured):
    return measured["high"] < 0.1, f"the own attack finds {{measured['value']}}"
'''


@pytest.fixture
def evaluated(tables, tmp_path, monkeypatch):
    """A function: what evaluating with a user's own measure wrote, given its line of the aspect."""
    monkeypatch.setattr(measures, "__path__", [*measures.__path__, str(tmp_path)])

    def evaluated(module: str, aspect: str) -> dict:
        (tmp_path / f"{module}.py").write_text(OWN.format(aspect=aspect))
        options = Evaluation(measures=(module, "wd"), groups=5)
        evaluate(*tables, tmp_path / "out", options, seed=1, role="control")
        return json.loads((tmp_path / "out/measures.json").read_text())

    return evaluated


def test_a_measure_of_ones_own_is_judged_with_those_there_are(evaluated):
    written = evaluated("mia_x", 'ASPECT = "privacy"')
    assert written["role"] == "control"
    own, wd = (written["measures"][name] for name in ("mia_x", "wd"))
    assert (own["aspect"], own["limit"], own["needs_densities"]) == ("privacy", 0.0, False)
    assert wd["aspect"] == "fidelity"
    # Of so few rows it is said what was found, and nothing is concluded.
    assert written["privacy"]["passes"] is None
    assert "not judged: too few rows to judge" in written["privacy"]["words"]
    assert "what was found: the own attack finds 0.5; " in written["privacy"]["words"]
    assert "near copies: not measured" in written["privacy"]["words"]


@pytest.mark.parametrize("aspect", ["", 'ASPECT = "beauty"'])
def test_a_measure_that_does_not_say_what_it_is_about_is_refused(evaluated, aspect):
    module = "mia_y" if aspect else "mia_z"
    with pytest.raises(InputError, match=rf"{module}\.py: .* expected one of fidelity, utility"):
        evaluated(module, aspect)
