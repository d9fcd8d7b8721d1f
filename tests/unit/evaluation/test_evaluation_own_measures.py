"""A user's own measure counts where it belongs, by what its module says of itself."""

import pytest
from tests.unit.evaluation.evaluation_rows import DESCRIPTION, toy_rows

from redwood.configuration import Evaluation
from redwood.errors import InputError
from redwood.evaluation import measures
from redwood.evaluation.evaluating import evaluate
from redwood.inputs import read_json
from redwood.tables import write_table

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
def evaluated(tmp_path, monkeypatch):
    """A function: what evaluating with the own measure wrote, given its line of the aspect."""
    monkeypatch.setattr(measures, "__path__", [*measures.__path__, str(tmp_path / "own")])
    (tmp_path / "own").mkdir()
    DESCRIPTION.save(tmp_path / "table.json")
    names = ("train", "holdout", "synthetic")
    for seed, name in enumerate(names):
        write_table(toy_rows(300, seed), tmp_path / f"{name}.parquet", DESCRIPTION)

    def run(module: str, aspect: str) -> dict:
        (tmp_path / "own" / f"{module}.py").write_text(OWN.format(aspect=aspect))
        options = Evaluation(measures=(module, "wd"), groups=5)
        paths = (tmp_path / f"{name}.parquet" for name in names)
        output = tmp_path / "out"
        evaluate(tmp_path / "table.json", *paths, output, options, seed=1, role="control")
        return read_json(output / "measures.json", "evaluation")

    return run


def test_it_is_judged_with_those_there_are(evaluated):
    written = evaluated("mia_x", 'ASPECT = "privacy"')
    assert written["role"] == "control"
    own, wd = (written["measures"][name] for name in ("mia_x", "wd"))
    assert (own["aspect"], own["limit"], own["needs_densities"]) == ("privacy", 0.0, False)
    assert wd["aspect"] == "fidelity"
    # The others were not measured; one that fails is enough.
    assert written["privacy"]["passes"] is False
    assert written["privacy"]["words"].startswith("fails: the own attack finds 0.5; ")
    assert "near copies: not measured" in written["privacy"]["words"]


@pytest.mark.parametrize("aspect", ["", 'ASPECT = "beauty"'])
def test_one_that_does_not_say_what_it_is_about_is_refused(evaluated, aspect):
    module = "mia_y" if aspect else "mia_z"
    with pytest.raises(InputError, match=rf"{module}\.py: .* expected one of fidelity, utility"):
        evaluated(module, aspect)
