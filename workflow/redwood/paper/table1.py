"""Table I: how faithful and how close each model is, with floors and the paper's own figures.

What the values come to is beside them: multiples of the floor and marks (see
`redwood.paper.comparison`), and which model to publish (`redwood.paper.recommendation`). Of several
trainings of a model see `redwood.paper.combining`. The page for readers is made by
`redwood.paper.table1_page`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from redwood.outputs import write_json, write_text, writing
from redwood.paper.comparison import (
    SIMULATION,
    floor_range,
    multiple,
    other_multiple,
    typical_multiples,
    typical_other_multiples,
)
from redwood.paper.evaluations import (
    LAW_ROLE,
    NUMBERS,
    Evaluated,
    Measure,
    Measures,
    read_evaluations,
)
from redwood.paper.other_floors import read_other_floors, with_other_floors
from redwood.paper.outcome_measures import outcome_measures
from redwood.paper.outcomes import read_outcomes
from redwood.paper.reading import read_csv
from redwood.paper.recommendation import read_decision, recommend
from redwood.paper.table1_page import TableOne, page_of

_DERIVED = (
    *("floor_low", "floor_high", "multiple"),
    *("other_floor", "other_floor_low", "other_floor_high", "other_multiple"),
)


def write_table1(
    evaluations: Sequence[Path],
    paper: Path,
    prefix: Path,
    outcomes: Path | None = None,
    decisions: Sequence[Path] = (),
    other_floors: Path | None = None,
) -> list[str]:
    """Write Table I: tidy as CSV and parquet, for readers as Markdown, LaTeX and HTML.

    A summary goes beside them as JSON.

    Args:
        evaluations: folders that `redwood evaluate` wrote, each named as its model; folders of the
            same name are of several trainings of that model.
        paper: CSV with the paper's figures: model, measure, value.
        prefix: the files' path without their endings.
        outcomes: the CSV that `redwood simulation outcomes` wrote; its outcomes on the models' jobs
            join the measures.
        decisions: what the release gate decided (`decision.json`), of some models.
        other_floors: the folder that `redwood other-floors` wrote, what real rows of other units
            score; by the second floor the table then tells the population from the stand-in.

    Returns:
        What did not go as asked in the evaluations and the simulation, a sentence each; notes say
        it, too.

    Raises:
        InputError: an evaluation is missing, incomplete or given twice, another file is not what
            it should be, or trainings of a model were evaluated by other measures.
    """
    published = read_csv(paper, ("model", "measure", "value"), numbers=("value",))
    evaluated = read_evaluations(evaluations)
    shortfalls = [
        f"{model}: {warning}" for model, one in evaluated.items() for warning in one.warnings
    ]
    if outcomes is not None:
        read = read_outcomes(outcomes)
        simulated = outcome_measures(read)
        shortfalls += [f"Simulation: {sentence}" for sentence in read.shortfalls]
        evaluated = {
            model: replace(one, measures={**one.measures, **_simulated(simulated.get(model, {}))})
            for model, one in evaluated.items()
        }
    other = None if other_floors is None else read_other_floors(other_floors)
    if other is not None:
        evaluated = with_other_floors(evaluated, other)
        shortfalls += [
            f"{model}: {one.rows:,} rows, where the floor of {other.title} is of {other.rows:,}"
            for model, one in evaluated.items()
            if one.rows != other.rows
        ]
    tidy = _tidy(evaluated)
    others = "" if other is None else other.title
    decided = dict(map(read_decision, decisions))
    recommendation = recommend(evaluated, decided, others)
    measured = {model: one.measures for model, one in evaluated.items()}
    content = TableOne(evaluated, published, decided, other)
    write_text(f"{prefix}.csv", tidy.to_csv(index=False))
    with writing(f"{prefix}.parquet") as partial:
        tidy.to_parquet(partial, index=False)
    page = page_of(content, recommendation.words, shortfalls)
    page.save(prefix)
    write_json(
        f"{prefix}.json",
        {
            "models": list(evaluated),
            "measures": list(content.titles),
            "titles": {name: measure["title"] for name, measure in content.titles.items()},
            "controls": [model for model, one in evaluated.items() if one.is_control],
            # Real jobs of others, if a control is such: the most to ask of what invents users.
            "law": next((m for m, one in evaluated.items() if one.role == LAW_ROLE), None),
            "passes": {model: one.passes for model, one in evaluated.items()},
            "rows": {model: one.rows for model, one in evaluated.items()},
            "without_value": int(tidy["value"].isna().sum()),
            "typical_multiples": typical_multiples(measured),
            "typical_other_multiples": typical_other_multiples(measured),
            "other_floor": None if other is None else {"title": other.title, "words": other.words},
            "recommendation": {
                "model": recommendation.model,
                "replay": recommendation.replay,
                "words": recommendation.words,
            },
            "of_the_paper_not_shown": sorted(set(published["measure"]) - set(content.titles)),
            "remarks": shortfalls,
            "page": page.content(),
        },
    )
    return shortfalls


def _simulated(measures: Measures) -> Measures:
    """Outcomes of the simulation, which runs the first training's jobs, as measures like others."""
    more = {"aspect": SIMULATION, "limit": 0.0, "needs_densities": False, "trainings": 1}
    more["of_law"] = False
    return {name: {**measure, **more} for name, measure in measures.items()}


def _tidy(evaluated: Mapping[str, Evaluated]) -> pd.DataFrame:
    table = [
        {
            "model": model,
            "measure": name,
            **{key: measure[key] for key in NUMBERS},
            **dict(zip(_DERIVED, _derived(measure), strict=True)),
            "rows": one.rows,
            "seeds": measure["trainings"],
        }
        for model, one in evaluated.items()
        for name, measure in one.measures.items()
    ]
    numbers = [*NUMBERS, *_DERIVED]
    columns = ["model", "measure", *numbers, "rows", "seeds"]
    return pd.DataFrame(table, columns=columns).astype(dict.fromkeys(numbers, "float64"))


def _derived(measure: Measure) -> tuple[float | None, ...]:
    """The ends of the range of the floor and the multiple of it; the second floor, likewise."""
    return (
        *(floor_range(measure) or (None, None)),
        multiple(measure),
        measure.get("other_floor"),
        *(floor_range(measure, "other_floor_draws") or (None, None)),
        other_multiple(measure),
    )
