"""A few of the faults of docs/faults.md, which `python -m tests.faults` tries by the hundred.

Kills are tried by `test_killed.py`.
"""

import os
import random

import pytest
from tests.faults import damages, dumps, kills
from tests.faults.journal import Journal, Outcome

pytestmark = pytest.mark.workflow

SEED = int(os.environ.get("REDWOOD_TEST_SEED", 1))


def chance(*what: object) -> random.Random:
    """Other faults with another seed."""
    return random.Random(f"{SEED} {what}")


def survived(outcomes: list[Outcome]) -> bool:
    print(f"REDWOOD_TEST_SEED={SEED}", *outcomes, sep="\n")
    return bool(outcomes) and not any(one.lost for one in outcomes)


def test_damaged_results_are_named_and_made_again(spare_projects, finished_project):
    project, undisturbed = spare_projects(), kills.digests(finished_project)
    healed, named = chance("damages").sample([*damages.KINDS], 2)
    # Of what little follows from.
    ends = ("figures/", "tables/")
    outcomes = [
        damages.fault(project, undisturbed, chance(healed), healed, rerun=True, among=ends),
        damages.fault(project, undisturbed, chance(named), named, rerun=False),
    ]
    assert survived(outcomes)


def test_damaged_dumps_are_cleaned_or_refused(tmp_path):
    folder = tmp_path / "dump"
    assert survived([dumps.fault(folder, chance(kind), kind) for kind in dumps.KINDS])


def test_a_journal_that_was_cut_off_goes_on_and_none_is_mixed_with_another(tmp_path):
    path, outcome = tmp_path / "journal.jsonl", Outcome("kill", "a job")
    journal = Journal(path, {"seed": 1})
    journal.add("kills 0", [outcome, outcome])
    whole = path.read_text()
    journal.add("kills 1", [outcome])
    path.write_text(path.read_text()[:-5])
    journal = Journal(path, {"seed": 1})
    assert "kills 0" in journal
    assert "kills 1" not in journal
    assert journal.outcomes("kills") == [outcome, outcome]
    assert path.read_text() == whole
    with pytest.raises(ValueError, match="move it away"):
        Journal(path, {"seed": 2})
