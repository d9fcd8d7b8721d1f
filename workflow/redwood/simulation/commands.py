"""The verbs of the stage: `redwood simulation platform|outcomes` and `redwood simulate`."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="The grid: its platform, and the outcomes of its simulations.", no_args_is_help=True
)


@app.command()
def platform(
    table: Annotated[Path, typer.Option(help="Description of the job table (JSON).")],
    jobs: Annotated[Path, typer.Option(help="Training jobs (parquet).")],
    resources: Annotated[Path, typer.Option(help="Folder with sites.csv and network.csv.")],
    output: Annotated[Path, typer.Option(help="Environment to write (JSON).")],
    options: Annotated[
        str, typer.Option(help="The `simulation` section of a configuration, as JSON.")
    ] = "{}",
    validation: Annotated[
        Path | None, typer.Option(help="Jobs on which run times are checked (parquet).")
    ] = None,
    rows_like: Annotated[
        Path | None,
        typer.Option(help="Job table to be run: sites are sized for its rows per time."),
    ] = None,
    calibration: Annotated[
        Path | None, typer.Option(help="Table of the check by site to write (CSV).")
    ] = None,
) -> None:
    """Build the platform: the sites of the training jobs, fitted to them and sized for their load.

    Example: redwood simulation platform --table records/table.json --jobs records/train.parquet
    --validation records/validation.parquet --rows-like records/test.parquet --resources resources
    --output simulation/platform.json
    """
    from redwood.configuration import Simulation
    from redwood.names import listed
    from redwood.outputs import require_ending, write_text
    from redwood.simulation.calibration import read_with_auxiliary
    from redwood.simulation.job_table import read_jobs
    from redwood.simulation.platform import Demand, build_platform
    from redwood.simulation.workload import arrival_rate
    from redwood.tables import TableDescription
    from redwood.validation import read_section

    require_ending(output, ".json")
    if calibration is not None:
        require_ending(calibration, ".csv")
    section = read_section(Simulation, options, "--options")
    description = TableDescription.load(table)
    read_jobs(jobs, description)
    rate, sites = None, frozenset[str]()
    if rows_like is not None:
        simulated = read_jobs(rows_like, description)
        rate, sites = arrival_rate(simulated, description), frozenset(simulated["computingsite"])
    built = build_platform(
        read_with_auxiliary(jobs, description),
        None if validation is None else read_with_auxiliary(validation, description),
        description,
        resources,
        Demand(
            section.load_factor,
            section.utilisation,
            rate,
            "cores" in description.only_features(),
            sites,
        ),
    )
    built.environment.save(output)
    if calibration is not None:
        write_text(calibration, built.calibration.to_csv(index=False))
    summary = built.environment.summary
    _say(f"{output}: {summary['sites']} sites, {summary['cores']} cores")
    _say(f"run times: {summary['run_times']}")
    for key, words in (
        ("sites_without_facts", f"not in {resources / 'sites.csv'}, so taken for usual Tier-2s"),
        ("sites_without_training_jobs", "without training jobs, so as small as can be"),
    ):
        if names := summary.get(key):
            share = f"{len(names)} of {summary['sites']} sites"
            _say(f"not as asked: {share} are {words}: {listed(names)}")


@app.command()
def outcomes(
    runs: Annotated[list[Path], typer.Argument(help="Folders that `redwood simulate` wrote.")],
    output: Annotated[Path, typer.Option(help="Tidy table to write (CSV).")],
) -> None:
    """Gather the outcomes of simulations in one tidy table.

    Example: redwood simulation outcomes simulation/runs/*/* --output simulation/outcomes.csv
    """
    from redwood.simulation.outcomes import write_outcomes

    write_outcomes(runs, output)


def simulate(
    scenario: Annotated[
        str, typer.Argument(help="Scenario (YAML or JSON), or its text, which begins with `{`.")
    ],
    output: Annotated[Path, typer.Option(help="Folder to write the runs to.")],
) -> None:
    """Run a scenario on the grid in SimGrid, with each of its seeds.

    Example: redwood simulate scenario.yaml --output runs/mine

    Again: redwood simulate runs/mine/scenario.json --output again
    """
    from redwood.simulation.running import run_scenario
    from redwood.simulation.scenario import Scenario
    from redwood.simulation.shortfalls import states

    chosen = Scenario.load(scenario)
    begin = time.perf_counter()
    summary = run_scenario(chosen, output)
    seconds = time.perf_counter() - begin
    jobs = summary["jobs"]["submitted"] * len(summary["seeds"])
    _say(f"{output}: {jobs:.0f} jobs simulated in {seconds:.1f} s, {jobs / seconds:.0f} jobs/s")
    _say(f"  {states(summary['jobs'])}")
    for name in ("queue_time_mean", "turnaround_mean", "utilisation", "failed_share"):
        found = summary["outcomes"][name]
        if found["value"] is not None:
            known = found["low"] is not None
            spread = f" [{found['low']:.4g}, {found['high']:.4g}]" if known else ""
            _say(f"  {name} {found['value']:.4g}{spread} {found['unit']}".rstrip())
    for remark in summary["remarks"]:
        _say(f"not as asked: {remark}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
