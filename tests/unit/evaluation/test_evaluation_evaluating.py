import json
import shutil

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows
from threadpoolctl import threadpool_limits

from redwood.configuration import Evaluation
from redwood.errors import InputError
from redwood.evaluation import evaluating
from redwood.evaluation.evaluating import evaluate, read_samples
from redwood.tables import DENSITIES, Column, TableDescription, write_table


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    DESCRIPTION.save(folder / "table.json")
    for name, rows, seed in (("train", 2000, 1), ("holdout", 600, 2), ("synthetic", 700, 3)):
        write_table(toy_rows(rows, seed), folder / f"{name}.parquet", DESCRIPTION)
    return folder


def run(tables, output, **options):
    evaluate(
        tables / "table.json",
        tables / "train.parquet",
        tables / "holdout.parquet",
        tables / "synthetic.parquet",
        output,
        Evaluation(target="work", groups=5, **options),
        seed=1,
    )


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
    folder = tmp_path / "numbers"
    shutil.copytree(tables, folder)
    description = json.loads((folder / "table.json").read_text())
    description["columns"] = [c for c in description["columns"] if c["kind"] != "categorical"]
    (folder / "table.json").write_text(json.dumps(description))
    run(folder, tmp_path / "out", measures=("jsd", "wd"))
    measures = json.loads((tmp_path / "out/measures.json").read_text())["measures"]
    assert measures["jsd"]["value"] is None
    assert measures["jsd"]["note"] == "the table has no categorical feature"
    assert measures["wd"]["value"] > 0


def test_the_real_samples_share_no_row_and_a_large_sample_is_thinned(tables, tmp_path, capsys):
    write_table(toy_rows(1900, 9), tmp_path / "large.parquet", DESCRIPTION)
    samples, given = read_samples(
        tables / "table.json",
        tables / "train.parquet",
        tables / "holdout.parquet",
        tmp_path / "large.parquet",
        Evaluation(target="work"),
        seed=1,
    )
    (other,) = samples.others
    assert len(samples.synthetic) == len(samples.fresh) == len(other) == 1000
    assert sorted([*samples.fresh["work"], *other["work"]]) == sorted(samples.train["work"])
    assert given["synthetic"] == 1900
    assert samples.synthetic["when"].is_monotonic_increasing
    assert "evaluates 1000 of 1900 synthetic rows" in capsys.readouterr().err
    # An attacker has them all.
    assert len(samples.published) == 1900


def test_an_earlier_release_is_the_attackers_and_nobody_elses(tables, tmp_path):
    write_table(toy_rows(70, 9), tmp_path / "previous.parquet", DESCRIPTION)
    paths = [tables / name for name in ("table.json", "train.parquet", "holdout.parquet")]
    samples, given = read_samples(
        *paths,
        tables / "synthetic.parquet",
        Evaluation(target="work"),
        1,
        previous=tmp_path / "previous.parquet",
    )
    assert given["previous"] == 70
    assert len(samples.published) == len(samples.synthetic) + 70


def test_densities_are_one_for_each_row(tables, tmp_path):
    paths = [tables / name for name in ("table.json", "train.parquet", "holdout.parquet")]
    sizes = [pq.read_metadata(path).num_rows for path in paths[1:]]
    frame = pd.DataFrame({"origin": np.repeat(["train", "holdout"], sizes).astype(object)})
    frame["log_density"] = np.where(frame.index % 7, -1.5, -np.inf)

    def read(rows):
        write_table(rows, tmp_path / "densities.parquet", DENSITIES)
        given = (tables / "synthetic.parquet", Evaluation(target="work"), 1)
        return read_samples(*paths, *given, densities=tmp_path / "densities.parquet")[0].densities

    members, others = read(frame)
    assert [len(members), len(others)] == sizes
    assert members[1] == -1.5
    assert np.isneginf(members[0])
    with pytest.raises(InputError, match=f"{sizes[1] - 1} rows of origin 'holdout', expected"):
        read(frame.iloc[:-1])


def test_where_the_training_rows_suffice_there_are_three_real_samples(tables):
    samples, _ = read_samples(
        tables / "table.json",
        tables / "train.parquet",
        tables / "holdout.parquet",
        tables / "holdout.parquet",
        Evaluation(target="work", target_class="state", conditionals=(("site", "work"),)),
        seed=1,
    )
    assert (samples.target, samples.target_class) == ("work", "state")
    assert samples.conditionals == (("site", "work"),)
    drawn = [*samples.fresh["work"], *(work for other in samples.others for work in other["work"])]
    assert len(drawn) == len(set(drawn)) == 3 * 600
    assert set(drawn) <= set(samples.train["work"])


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("work", -2.5, r"row 3: 'work' is -2.5, expected a finite number above -1"),
        ("work", np.inf, r"row 3: 'work' is inf, expected a finite number above -1"),
        ("size", -1, r"row 3: 'size' is -1, expected a finite number above -1"),
        ("load", np.inf, r"row 3: 'load' is inf, expected a finite number$"),
    ],
)
def test_numbers_off_their_scale_are_named(tables, tmp_path, column, value, message):
    description = TableDescription("t", (*DESCRIPTION.columns, Column("load", "numeric")))
    description.save(tmp_path / "table.json")
    for name, rows in (("train", 400), ("holdout", 100), ("synthetic", 100)):
        frame = toy_rows(rows, 3).assign(load=1.0)
        if name == "synthetic":
            frame.loc[3, column] = value
        write_table(frame, tmp_path / f"{name}.parquet", description)
    with pytest.raises(InputError, match=f"synthetic.parquet: {message}"):
        run(tmp_path, tmp_path / "out")


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
        evaluate(
            tables / "table.json",
            tables / "train.parquet",
            tables / "holdout.parquet",
            tmp_path / "synthetic.parquet",
            tmp_path / "out",
            Evaluation(**options),
            seed=1,
        )
    assert not (tmp_path / "out").exists()


# OpenBLAS divides only vectors of more than 10,000 among threads.
@pytest.mark.parametrize(
    ("measures", "rows"), [(("wd", "diff_corr"), 15_000), (("c2st", "c2st_sequence"), 300)]
)
def test_the_measures_do_not_depend_on_the_number_of_threads(tmp_path, measures, rows):
    DESCRIPTION.save(tmp_path / "table.json")
    for seed, (name, parts) in enumerate((("train", 2), ("holdout", 1), ("synthetic", 1))):
        write_table(toy_rows(parts * rows, seed), tmp_path / f"{name}.parquet", DESCRIPTION)
    for threads in (1, 2):
        with threadpool_limits(threads):
            run(tmp_path, tmp_path / str(threads), measures=measures)
    for name in ("measures.json", "columns.csv"):
        first, second = (tmp_path / threads / name for threads in ("1", "2"))
        assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("synthetic", "train", "expected"),
    [
        (1000, 3000, 1000),  # three real samples
        (1000, 2999, 999),  # three, for which one row is left out
        (1000, 2970, 990),
        (1000, 2969, 1000),  # two
        (1000, 2000, 1000),
        (1000, 1500, 750),
    ],
)
def test_how_many_synthetic_rows_are_evaluated(synthetic, train, expected):
    assert evaluating._sample_size(synthetic, train) == expected


def test_a_table_of_anything_is_evaluated_with_no_option_at_all(tables, tmp_path):
    cards = TableDescription("cards", (Column("suit", "categorical"), Column("value", "integer")))
    cards.save(tmp_path / "table.json")
    for seed, name in enumerate(("train", "holdout", "synthetic")):
        random = np.random.default_rng(seed)
        suits = random.choice(["hearts", "spades"], 400).astype(object)
        frame = pd.DataFrame({"suit": suits, "value": random.integers(1, 14, 400)})
        write_table(frame, tmp_path / f"{name}.parquet", cards)
    names = ("table.json", "train.parquet", "holdout.parquet", "synthetic.parquet")
    evaluate(*(tmp_path / name for name in names), tmp_path / "out", Evaluation(), seed=1)
    measures = json.loads((tmp_path / "out/measures.json").read_text())["measures"]
    assert measures["jsd"]["value"] < 0.1
    assert measures["diff_mlef"]["note"] == (
        "the target 'workload' is no numeric feature of the table; evaluation.target may be one of "
        "value"
    )


def with_synthetic(tables, folder, frame, description=DESCRIPTION):
    """A copy of the tables with other synthetic rows."""
    shutil.copytree(tables, folder)
    write_table(frame, folder / "synthetic.parquet", description)
    return folder


def test_tables_that_do_not_match_are_named(tables, tmp_path):
    rows = toy_rows(300, 3)
    for number, (frame, message) in enumerate(
        [
            (rows.drop(columns="work"), "column 'work' is missing; the file has when, site"),
            (rows.assign(work="much"), "column 'work' does not hold numeric values"),
            (rows.assign(work=rows["work"].where(rows.index != 5)), "row 5: feature 'work' has no"),
            (rows.assign(site=rows["site"].where(rows.index != 7)), "row 7: feature 'site' has no"),
            (rows.iloc[:0], "0 rows, expected at least 10"),
            (rows.iloc[:1], "1 rows, expected at least 10"),
        ]
    ):
        folder = tmp_path / str(number)
        shutil.copytree(tables, folder)
        frame.to_parquet(folder / "synthetic.parquet")
        with pytest.raises(InputError, match=f"synthetic.parquet: {message}"):
            run(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_further_columns_and_unseen_categories_and_repeated_rows_have_defined_values(
    tables, tmp_path
):
    rows = toy_rows(300, 3)
    strange = rows.assign(site="nowhere", state="unheard of")
    repeated = rows.iloc[[5] * 300].reset_index(drop=True)
    measures = ("wd", "jsd", "diff_corr", "joint", "c2st", "near_copies", "attack_density", "nndr")
    found = {}
    for name, frame in {"rows": rows, "strange": strange, "repeated": repeated}.items():
        folder = with_synthetic(tables, tmp_path / name, frame)
        run(folder, tmp_path / f"{name}_out", measures=measures)
        written = json.loads((tmp_path / f"{name}_out/measures.json").read_text())
        found[name] = {key: entry["value"] for key, entry in written["measures"].items()}
        assert np.isfinite(list(found[name].values())).all()
    # No category is shared: base 2, that is 1.
    assert found["strange"]["jsd"] == pytest.approx(1)
    assert found["strange"]["wd"] == found["rows"]["wd"]
    assert found["strange"]["near_copies"] == 0
    assert found["repeated"]["c2st"] > 0.95
    # Columns that the description does not have are nobody's business.
    frame = rows.assign(mood="good")
    shutil.copytree(tables, tmp_path / "more")
    frame.to_parquet(tmp_path / "more/synthetic.parquet")
    run(tmp_path / "more", tmp_path / "more_out", measures=("wd",))
    wd = json.loads((tmp_path / "more_out/measures.json").read_text())["measures"]["wd"]
    assert wd["value"] == found["rows"]["wd"]
