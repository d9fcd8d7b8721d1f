"""`redwood simulation compare`: the stages simulation and paper, one after the other."""

import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from redwood.paper.outcomes import Outcomes


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Folders that `redwood simulate` wrote, or of such."),
    ],
    against: Annotated[
        str | None,
        typer.Option(help="Policy that is the reference; that of the first run if not given."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Table to write (CSV), with a JSON of the same name.")
    ] = None,
    figure: Annotated[
        Path | None, typer.Option(help="Figure of the ranks to write (PNG or PDF).")
    ] = None,
) -> None:
    """Compare policies under the same seeds, on the same jobs, with paired 95 % intervals.

    No recorded jobs are needed. Runs of several workloads: each by itself, and how alike they rank
    the policies.

    Example: redwood simulation compare runs --against least_loaded --output comparison.csv
    --figure ranks.png
    """
    from redwood.paper.policy_comparison import comparison_page

    read, table = write_compared(runs, against, output, figure)
    print(comparison_page(read, table).markdown())
    for sentence in read.gaps:
        print(f"not as asked: {sentence}", file=sys.stderr)


def write_compared(
    runs: Sequence[str | Path],
    against: str | None = None,
    output: Path | None = None,
    figure: Path | None = None,
) -> "tuple[Outcomes, pd.DataFrame]":
    """The outcomes of runs, and their comparison, written where it is asked for.

    Raises:
        InputError: runs cannot be compared, `against` is no policy of theirs, or a name of what is
            to be written has a wrong ending.
    """
    from redwood.paper.outcomes import read_outcomes
    from redwood.paper.policy_comparison import compare_policies, draw_ranks, write_comparison
    from redwood.simulation.comparability import find_runs, policy_of, require_comparable
    from redwood.simulation.outcomes import write_outcomes

    folders = find_runs(runs)
    require_comparable(folders)
    with TemporaryDirectory() as scratch:
        file = Path(scratch) / "outcomes.csv"
        write_outcomes(folders, file)
        read = read_outcomes(file)
    table = compare_policies(read, policy_of(folders[0]) if against is None else against)
    if output is not None:
        write_comparison(read, table, output)
    if figure is not None:
        draw_ranks(read, table, figure)
    return read, table
