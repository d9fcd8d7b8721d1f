"""What measures find of the real rows alone: found once, the same for every sample."""

import numpy as np
import pytest
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows, write_tables

from redwood import plugins
from redwood.configuration import Evaluation
from redwood.errors import InputError
from redwood.evaluation.contract import MEASURES
from redwood.evaluation.evaluating import evaluate, find_floors
from redwood.tables import write_table

COSTLY = [
    name
    for name in plugins.names(MEASURES)
    if getattr(plugins.load(MEASURES, name), "COSTLY_FLOOR", False)
]
OPTIONS = Evaluation(target="work", target_class="state", groups=5, measures=("wd", *COSTLY))


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    rows = {"train": toy_rows(1200, 1), "holdout": toy_rows(400, 2), "synthetic": toy_rows(400, 3)}
    return write_tables(tmp_path_factory.mktemp("tables"), **rows)


@pytest.fixture(scope="module")
def floors(tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("found") / "floors"
    find_floors(*tables[:3], folder, OPTIONS, seed=1)
    return folder


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_an_evaluation_has_the_same_bytes_with_them_and_takes_them(
    tables, floors, tmp_path, capsys
):
    evaluate(*tables, tmp_path / "without", OPTIONS, seed=1)
    told = "telling samples apart: 5/5"
    # The sample and three draws of real rows, by themselves and in sequence.
    assert capsys.readouterr().err.count(told) == 2 * 4
    evaluate(*tables, tmp_path / "with", OPTIONS, seed=1, floors=floors)
    assert contents(tmp_path / "with") == contents(tmp_path / "without")
    assert capsys.readouterr().err.count(told) == 2


@pytest.mark.parametrize("name", COSTLY)
def test_what_is_found_once_does_not_depend_on_the_sample(name, samples_of):
    measure = plugins.load(MEASURES, name).measure
    found = []
    for sample in (toy_rows(400, 8), toy_rows(400, 9).assign(site="BNL")):
        samples = samples_of(sample)
        measure(samples)
        assert samples.of_real_rows
        found.append(samples.of_real_rows)
    assert found[0].keys() == found[1].keys()
    for key, arrays in found[0].items():
        for part, array in arrays.items():
            np.testing.assert_array_equal(array, found[1][key][part])


def test_for_another_number_of_rows_they_are_found_anew(tables, floors, tmp_path, capsys):
    write_table(toy_rows(300, 4), tmp_path / "sample.parquet", DESCRIPTION)
    paths = [*tables[:3], tmp_path / "sample.parquet"]
    options = OPTIONS.model_copy(update={"measures": ("coverage",)})
    evaluate(*paths, tmp_path / "without", options, seed=1)
    evaluate(*paths, tmp_path / "with", options, seed=1, floors=floors)
    assert contents(tmp_path / "with") == contents(tmp_path / "without")
    assert "floors of samples of 400 rows; those of 300 rows are found anew" in (
        capsys.readouterr().err
    )


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("seed", {"seed": 2}),
        ("options", {"options": OPTIONS.model_copy(update={"groups": 6})}),
        ("holdout", {"holdout": "synthetic"}),
    ],
)
def test_those_of_another_evaluation_are_refused(tables, floors, tmp_path, what, changed):
    table, train, holdout, synthetic = tables
    if "holdout" in changed:
        holdout = synthetic
    with pytest.raises(
        InputError, match=f"floors: of another evaluation, which differs in {what};"
    ):
        evaluate(
            *(table, train, holdout, synthetic, tmp_path / "out"),
            changed.get("options", OPTIONS),
            changed.get("seed", 1),
            floors=floors,
        )
    assert not (tmp_path / "out").exists()


def test_damaged_ones_are_named(tables, tmp_path):
    options = OPTIONS.model_copy(update={"measures": ("coverage",)})
    folder = tmp_path / "floors"
    find_floors(*tables[:3], folder, options, seed=1)
    (folder / "balls.npz").write_bytes((folder / "balls.npz").read_bytes()[:-1])
    with pytest.raises(InputError, match=r"balls\.npz: damaged or edited"):
        evaluate(*tables, tmp_path / "out", options, seed=1, floors=folder)
