"""The verbs of the stage: `redwood simulation platform|outcomes` and `redwood simulate`."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="The grid: its platform, and the outcomes of its simulations.", no_args_is_help=True
)

_Table = Annotated[Path, typer.Option(help="Description of the job table (JSON).")]
_Options = Annotated[
    str, typer.Option(help="The `simulation` section of a configuration, as JSON.")
]


@app.command()
def platform(
    table: _Table,
    jobs: Annotated[Path, typer.Option(help="Training jobs (parquet).")],
    resources: Annotated[Path, typer.Option(help="Folder with sites.csv and network.csv.")],
    output: Annotated[Path, typer.Option(help="Platform to write (JSON).")],
    options: _Options = "{}",
    rows_like: Annotated[
        Path | None,
        typer.Option(help="Job table to be run: sites are sized for its rows per time."),
    ] = None,
) -> None:
    """Build the platform: the sites of the training jobs, sized for their load.

    Example: redwood simulation platform --table records/table.json --jobs records/train.parquet
    --rows-like records/test.parquet --resources resources --output simulation/platform.json
    """
    from redwood.configuration import Simulation, read_section
    from redwood.simulation.platform import build_platform
    from redwood.simulation.workload import arrival_rate, read_jobs
    from redwood.tables import TableDescription

    section = read_section(Simulation, options, "--options")
    description = TableDescription.load(table)
    rate = None
    if rows_like is not None:
        rate = arrival_rate(read_jobs(rows_like, description), description)
    built = build_platform(
        read_jobs(jobs, description),
        description,
        resources,
        section.load_factor,
        section.utilisation,
        rate,
    )
    built.save(output)
    _say(f"{output}: {len(built.sites)} sites, {built.summary['cores']} cores")


@app.command()
def outcomes(
    runs: Annotated[list[Path], typer.Argument(help="Folders that `redwood simulate` wrote.")],
    output: Annotated[Path, typer.Option(help="Tidy table to write (CSV).")],
) -> None:
    """Gather the outcomes of simulations in one tidy table.

    Example: redwood simulation outcomes simulation/runs/*/*/* --output simulation/outcomes.csv
    """
    from redwood.simulation.outcomes import write_outcomes

    write_outcomes(runs, output)


def simulate(
    output: Annotated[Path, typer.Option(help="Folder to write the run to.")],
    platform: Annotated[Path | None, typer.Option(help="Platform (JSON).")] = None,
    table: Annotated[Path | None, typer.Option(help="Description of the job table (JSON).")] = None,
    jobs: Annotated[
        Path | None, typer.Option(help="Jobs, recorded or synthetic (parquet).")
    ] = None,
    policy: Annotated[str | None, typer.Option(help="Brokerage policy.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed.")] = None,
    workload: Annotated[
        str, typer.Option(help="What the jobs are called in outcomes: `recorded` or a model.")
    ] = "recorded",
    options: _Options = "{}",
    scenario: Annotated[
        Path | None, typer.Option(help="Run this scenario again, instead of all the others.")
    ] = None,
) -> None:
    """Run jobs on the grid in SimGrid.

    Example: redwood simulate --platform simulation/platform.json --table records/table.json
    --jobs records/test.parquet --policy least_loaded --seed 1 --output runs/recorded/least_loaded/1

    Again: redwood simulate --scenario runs/recorded/least_loaded/1/scenario.json --output again
    """
    from redwood.configuration import Simulation, read_section
    from redwood.simulation.running import run_scenario, write_run
    from redwood.simulation.scenario import InputFile, Scenario

    parts = {"platform": platform, "table": table, "jobs": jobs, "policy": policy, "seed": seed}
    if scenario is not None:
        for name, value in parts.items():
            if value is not None:
                raise typer.BadParameter(f"--scenario says what --{name} would; give only one")
        chosen = Scenario.load(scenario)
    else:
        for name, value in parts.items():
            if value is None:
                raise typer.BadParameter(f"--{name} is missing (or give --scenario)")
        section = read_section(Simulation, options, "--options")
        chosen = Scenario(
            workload=workload,
            platform=InputFile.of(platform),
            table=InputFile.of(table),
            jobs=InputFile.of(jobs),
            policy=policy,
            seed=seed,
            load_factor=section.load_factor,
            interval_s=section.interval_s,
            tcp_gamma=section.tcp_gamma,
        )
    begin = time.perf_counter()
    run = run_scenario(chosen)
    seconds = time.perf_counter() - begin
    rows = len(run.workload.jobs)
    write_run(run, output)
    _say(f"{output}: {rows} jobs simulated in {seconds:.1f} s, {rows / seconds:.0f} jobs/s")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
