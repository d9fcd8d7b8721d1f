"""The verbs of the stage: `redwood simulation …` and `redwood simulate`."""

import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="The grid: its platform, and the outcomes of its simulations.", no_args_is_help=True
)

engines_app = typer.Typer(
    help="The simulators that can run a scenario, and how they differ.", no_args_is_help=True
)
app.add_typer(engines_app, name="engines")


@app.command()
def platform(
    table: Annotated[Path, typer.Option(help="Description of the job table (JSON).")],
    jobs: Annotated[Path, typer.Option(help="Training jobs (parquet).")],
    resources: Annotated[
        Path, typer.Option(help="Folder with sites.csv, network.csv, carbon.csv.")
    ],
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


@app.command()
def learn(
    scenario: Annotated[
        str, typer.Argument(help="Scenario (YAML or JSON) with network: fluid, or its text.")
    ],
    output: Annotated[Path, typer.Option(help="Folder for the trained policy.")],
    steps: Annotated[
        int, typer.Option(min=0, help="Steps of improvement after imitation, 16 episodes each.")
    ] = 60,
    teacher: Annotated[
        str, typer.Option(help="Shipped brokerage that is imitated at first.")
    ] = "least_loaded",
    reward: Annotated[str, typer.Option(help="What the agent is paid for.")] = "turnaround",
    jobs_per_episode: Annotated[int, typer.Option(min=1, help="Jobs of an episode.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Same seed, same policy.")] = 1,
) -> None:
    """Train a small agent on the jobs of a scenario; its policy.py is a brokerage of your own.

    Example: redwood simulation learn scenario.yaml --output learned
    """
    from redwood.simulation.learning.training import train

    summary = train(
        scenario, output, steps=steps, seed=seed, reward=reward, teacher=teacher,
        jobs_per_episode=jobs_per_episode,
    )  # fmt: skip
    paid = summary["paid_an_episode"]
    _say(f"{output}: {summary['episodes']} episodes, {paid['kept']:.6g} an episode at the end")
    _say(f"  {teacher}, which it imitated at first: {paid['teacher']:.6g}")


@app.command()
def export(
    scenario: Annotated[
        str, typer.Argument(help="Scenario (YAML or JSON), or its text, which begins with `{`.")
    ],
    form: Annotated[
        str,
        typer.Option(
            "--for", help="The other simulator, such as cgsim; a wrong name is told the right ones."
        ),
    ],
    output: Annotated[Path, typer.Option(help="Folder to write its input files to.")],
) -> None:
    """Write a scenario, with its first seed, as input files of another simulator.

    export.json beside them says what of the scenario they cannot express, and from where the
    format is known.

    Example: redwood simulation export scenario.yaml --for cgsim --output cgsim
    """
    from redwood.outputs import require_ending
    from redwood.simulation.exporting import export_scenario
    from redwood.simulation.scenario import Scenario

    require_ending(output)
    about = export_scenario(form, Scenario.load(scenario), output)
    _say(f"{output}: {about['jobs']} jobs at {about['sites']} sites for {about['format']}")
    for words in about["left_out"]:
        _say(f"not expressed: {words}")


@engines_app.command("list")
def list_engines() -> None:
    """Say which simulators are there, which version, and where to get the others.

    Example: redwood simulation engines list
    """
    from redwood.simulation import engines

    for found in engines.survey():
        print(f"{found.name}: {found}")


@engines_app.command("cases")
def engine_cases(
    output: Annotated[Path, typer.Option(help="Tidy table to write (CSV).")],
    engine: Annotated[
        list[str] | None, typer.Option(help="An engine; all that are there if not given.")
    ] = None,
) -> None:
    """Run the cases whose results a formula gives in several simulators.

    Example: redwood simulation engines cases --engine simgrid --engine wrench --output cases.csv
    """
    from redwood.outputs import require_ending, write_text
    from redwood.simulation import engines
    from redwood.simulation.engine_cases import run_cases
    from redwood.simulation.engine_comparison import markdown

    require_ending(output, ".csv")
    chosen = engine or [found.name for found in engines.survey() if found.usable]
    for name in chosen:
        engines.require(name)
    table = run_cases(chosen)
    write_text(output, table.to_csv(index=False, lineterminator="\n"))
    print(markdown(table))


@engines_app.command("compare")
def compare_engines(
    runs: Annotated[
        list[Path], typer.Argument(help="Folders that `redwood simulate` wrote, also with ours.")
    ],
    output: Annotated[Path, typer.Option(help="Tidy table to write (CSV), with a JSON beside.")],
) -> None:
    """Compare runs of the same jobs and policies in several simulators with those in ours.

    Example: redwood simulation engines compare ours wrench --output engines.csv
    """
    from redwood.simulation.engine_comparison import write_comparison

    print(write_comparison(runs, output))


def simulate(
    scenario: Annotated[
        str, typer.Argument(help="Scenario (YAML or JSON), or its text, which begins with `{`.")
    ],
    output: Annotated[Path, typer.Option(help="Folder to write the runs to.")],
    engine: Annotated[
        str | None, typer.Option(help="Simulator, instead of the scenario's: simgrid (ours), …")
    ] = None,
    program: Annotated[
        str | None,
        typer.Option(help="Path of the engine's program, or container image, if not on the PATH."),
    ] = None,
) -> None:
    """Run a scenario on the grid, with each of its seeds, in SimGrid or in another engine.

    If `workload` or `policies` is a list, each workload runs under each policy, in a folder
    WORKLOAD/POLICY of its own; runs that are there already, of the same scenario and code, are
    kept. Then: redwood simulation compare OUTPUT

    Example: redwood simulate scenario.yaml --output runs/mine

    Again: redwood simulate runs/mine/scenario.json --output again

    In another simulator: redwood simulate scenario.yaml --engine wrench --output runs/wrench
    """
    from redwood.simulation.running import run_scenario
    from redwood.simulation.scenario import load_scenarios
    from redwood.simulation.study import run_study

    scenarios = load_scenarios(scenario, engine)
    begin = time.perf_counter()

    def told(run: Path, summary: dict[str, Any] | None) -> None:
        nonlocal begin
        if summary is None:
            _say(f"{run}: is there, of the same scenario and code")
        else:
            _say_outcomes(run, summary, time.perf_counter() - begin)
        begin = time.perf_counter()

    if "" in scenarios:
        told(output, run_scenario(scenarios[""], output, program=program))
    else:
        run_study(scenarios, output, told, program)


def _say_outcomes(run: Path, summary: dict[str, Any], seconds: float) -> None:
    from redwood.simulation.shortfalls import states

    jobs = summary["jobs"]["submitted"] * len(summary["seeds"])
    _say(f"{run}: {jobs:.0f} jobs simulated in {seconds:.1f} s, {jobs / seconds:.0f} jobs/s")
    _say(f"  {states(summary['jobs'])}")
    for name in ("queue_time_mean", "turnaround_mean", "utilisation", "failed_share"):
        found = summary["outcomes"][name]
        if found["value"] is not None:
            known = found["low"] is not None
            spread = f" [{found['low']:.4g}, {found['high']:.4g}]" if known else ""
            _say(f"  {name} {found['value']:.4g}{spread} {found['unit']}".rstrip())
    for remark in [*summary["remarks"], *summary["engine"]["left_out"]]:
        _say(f"not as asked: {remark}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
