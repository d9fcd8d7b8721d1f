"""Reading what a run has found from the folder of its dataset."""

from pathlib import Path

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.paper.reading import read_csv
from redwood.paper.report.findings import Results


def read_results(results: Path) -> Results:
    """What the first screen of the report and the paper's summary are made of.

    Args:
        results: the folder of the dataset.

    Raises:
        InputError: a result is missing or damaged, or of an earlier version.
    """
    decisions = {}
    for path in sorted((results / "release/decisions").glob("*/decision.json")):
        decision = read_json(path, "decision of the release gate")
        if not all("groups" in check for check in decision.get("checks", [{}])):
            raise InputError(
                f"{path}: says nothing of the groups that were judged; a decision of an earlier "
                "version is made again by `redwood release decide`"
            )
        decisions[decision["model"]] = decision
    outcomes, ranking = results / "tables/table2.csv", results / "tables/table2_ranking.csv"
    return Results(
        read_json(results / "records/card.json", "facts of the data card"),
        read_json(results / "tables/table1.json", "summary of Table I"),
        decisions,
        read_csv(outcomes, ("workload", "policy", "outcome", "value"), numbers=("value",)),
        read_csv(
            ranking,
            (
                "workload",
                "outcome",
                "tau",
                "low",
                "high",
                "policies",
                "pairs_apart",
                "best",
                "best_recorded",
                "regret",
            ),
            numbers=("tau", "low", "high", "policies", "pairs_apart", "regret"),
            may_be_empty=True,  # with one policy there is nothing to rank
        ),
    )
