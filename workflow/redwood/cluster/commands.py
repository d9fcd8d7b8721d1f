"""`redwood plan`, and `redwood costs`, which learns from finished runs what it foretells."""

from pathlib import Path
from typing import Annotated

import typer

_PROJECT = Path(__file__).resolve().parents[3]
_COSTS = _PROJECT / "resources/costs.csv"

costs_app = typer.Typer(help="What jobs take, as measured.", no_args_is_help=True)


def plan(
    configfile: Annotated[
        list[Path] | None,
        typer.Option(help="Configuration on top of config/config.yaml; may be repeated."),
    ] = None,
    cluster: Annotated[
        Path | None,
        typer.Option(help="Description of the cluster; else REDWOOD_CLUSTER or cluster.yaml."),
    ] = None,
    rows: Annotated[
        int | None, typer.Option(min=10, help="Jobs to be kept, whatever the dumps hold.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Jobs that run at once.")] = 100,
    costs: Annotated[Path, typer.Option(help="Measured costs.")] = _COSTS,
) -> None:
    """Foretell the hours, memory and price of a whole run, rule by rule; nothing is submitted.

    Example: redwood plan --configfile config/paper.yaml --cluster config/clusters/campus.yaml
    """
    import contextlib
    import os

    from redwood.cluster.configured import read_configuration
    from redwood.cluster.costs import read_costs
    from redwood.cluster.description import read_cluster
    from redwood.cluster.plan import plan as planned
    from redwood.cluster.plan_table import render
    from redwood.cluster.sizes import sizes_of

    configuration = read_configuration([_PROJECT / "config/config.yaml", *(configfile or [])])
    described = read_cluster(_PROJECT, os.environ, cluster)
    measured = read_costs(costs)
    # What the configuration names lies as seen from the project's root, as for Snakemake.
    with contextlib.chdir(_PROJECT):
        sizes = sizes_of(configuration, Path("results", configuration.dataset), rows)
        found = planned(configuration, sizes, described, measured, jobs)
    typer.echo(render(found, described, measured))


@costs_app.command()
def fit(
    results: Annotated[list[Path], typer.Argument(help="Results of finished runs, of any size.")],
    machine: Annotated[str, typer.Option(help="Where they ran: processor, cores, GPU.")],
    output: Annotated[Path, typer.Option(help="Table to write (CSV).")] = _COSTS,
) -> None:
    """Fit the cost of each rule to what finished runs have measured.

    Example: redwood costs fit results/embedded results/mine --machine "AMD EPYC, no GPU"
    """
    from redwood.cluster.costs import write_costs
    from redwood.cluster.fitting import fit as fitted
    from redwood.cluster.fitting import measurements

    measured = [one for folder in results for one in measurements(folder)]
    found = fitted(measured)
    write_costs(output, found, machine)
    typer.echo(f"{len(measured)} jobs, {len(found)} costs: {output}")
