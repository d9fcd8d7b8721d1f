"""`redwood doctor`, `plan`, `status`, `costs …` and `artefacts …`: what runs take, do and leave."""

from pathlib import Path
from typing import Annotated

import typer

from redwood.facts import fact_file

_COSTS = fact_file("costs.csv")
# Of `redwood status`: all further arguments are Snakemake's.
STATUS_SETTINGS = {"allow_extra_args": True, "ignore_unknown_options": True}

costs_app = typer.Typer(help="What jobs take, as measured.", no_args_is_help=True)
artefacts_app = typer.Typer(
    help="Trace results to their source, check them, compare and bundle them.",
    no_args_is_help=True,
)

Results = Annotated[Path, typer.Argument(help="Results of a dataset: results/NAME.")]


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
    jobs: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Jobs that run at once; 100 on a cluster that is described, else the cores here.",
        ),
    ] = None,
    costs: Annotated[Path, typer.Option(help="Measured costs.")] = _COSTS,
    picture: Annotated[
        Path | None, typer.Option(help="Picture of it to write (PNG or PDF).")
    ] = None,
) -> None:
    """Say what a whole run will take: hours, memory and price, rule by rule. Nothing is submitted.

    Example: redwood plan --configfile config/paper.yaml --cluster config/clusters/campus.yaml
    """
    import os

    from redwood.runs.cluster import Cluster, read_cluster
    from redwood.runs.costs import read_costs
    from redwood.runs.dry_run import project_root
    from redwood.runs.plan import plan_run
    from redwood.runs.plan_table import render

    described = read_cluster(project_root(), os.environ, cluster)
    if described == Cluster():
        jobs = jobs or len(os.sched_getaffinity(0))
        described = described.model_copy(update={"name": "this machine; no cluster is described"})
    measured = read_costs(costs)
    planned = plan_run(configfile or [], described, measured, jobs or 100, rows)
    typer.echo(render(planned, described, measured))
    if picture is not None:
        from redwood.runs.plan_picture import draw_plan

        draw_plan(planned, picture, described.currency)


def status(context: typer.Context) -> None:
    """Say what a run would do and why, rule by rule. Nothing is run, written or locked.

    Further arguments are Snakemake's, the same as for the run itself.

    Example: redwood status --configfile config/lcg2005.yaml
    """
    from redwood.errors import InputError
    from redwood.runs.dry_run import planned_jobs, project_root
    from redwood.runs.snakemake_records import SnakemakeRecords
    from redwood.runs.status import render

    if Path.cwd().resolve() != project_root():
        raise InputError(f"{Path.cwd()}: not the project's root; run this in {project_root()}")
    typer.echo(render(planned_jobs(context.args), SnakemakeRecords()))


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Say what of all that REDWOOD can use is here, which version, and where to get the rest.

    The exit status is 0 if all is here that the default run needs, else 1.

    Example: redwood doctor
    """
    import json

    from redwood.runs import doctor as findings

    found = findings.examine()
    typer.echo(
        json.dumps(findings.as_json(found), indent=2, ensure_ascii=False)
        if as_json
        else findings.render(found)
    )
    if not findings.is_ready(found):
        raise typer.Exit(1)


@costs_app.command()
def fit(
    results: Annotated[list[Path], typer.Argument(help="Results of finished runs, of any size.")],
    machine: Annotated[str, typer.Option(help="Where they ran: processor, cores, GPU.")],
    output: Annotated[Path, typer.Option(help="Table to write (CSV).")] = _COSTS,
) -> None:
    """Fit the cost of each rule to what finished runs have measured.

    Example: redwood costs fit results/embedded results/mine --machine "AMD EPYC, no GPU"
    """
    from redwood.runs.cost_fitting import fit as fitted
    from redwood.runs.cost_fitting import measurements
    from redwood.runs.costs import write_costs

    measured = [one for folder in results for one in measurements(folder)]
    found = fitted(measured)
    write_costs(output, found, machine)
    typer.echo(f"{len(measured)} jobs, {len(found)} costs: {output}")


@artefacts_app.command()
def manifest(
    results: Results,
    last: Annotated[
        list[str],
        typer.Option(help="A result of each job whose results no other reads; repeatable."),
    ],
    configuration: Annotated[str, typer.Option(help="The configuration as used, in JSON.")],
    downloads: Annotated[
        Path | None, typer.Option(help="Folder of raw dumps that one job has downloaded.")
    ] = None,
) -> None:
    """Write ro-crate-metadata.json: every file of a run, its digest, and how it was made.

    The workflow does this last, from the project's root, by what Snakemake has recorded there.

    Example: redwood artefacts manifest results/mine --last results/mine/tables/table1.csv
    --configuration "$(cat results/mine/configuration.json)"
    """
    from redwood.runs.manifest import write_manifest

    for path in write_manifest(results, last, configuration, downloads):
        typer.echo(f"{path}: Snakemake has no record of how it was made", err=True)


@artefacts_app.command()
def check(
    results: Results,
    inputs: Annotated[
        list[Path] | None,
        typer.Option(help="File or folder of raw dumps from outside the project; repeatable."),
    ] = None,
) -> None:
    """Say which results and inputs are no longer what they were; exit status 1 if any.

    Every file is read. The next run makes again what is damaged of the results.

    Example: redwood artefacts check results/embedded
    """
    from redwood.runs.checking import check

    found = check(results, inputs or ())
    for line in found.findings:
        typer.echo(line)
    if found.not_looked_for:
        names = ", ".join(found.not_looked_for)
        typer.echo(f"not looked for, as no --inputs say where: {names}")
    typer.echo(f"{found.verified} files are as they were made, {len(found.findings)} are not")
    if found.findings:
        raise typer.Exit(1)


@artefacts_app.command()
def compare(
    one: Annotated[Path, typer.Argument(help="Results of a dataset.")],
    other: Annotated[Path, typer.Argument(help="Results of the same by another run.")],
    printed: Annotated[
        bool, typer.Option(help="Accept tables that are the same in print, as on another machine.")
    ] = False,
) -> None:
    """Say in which files two runs differ; exit status 1 if in any.

    All results are compared byte for byte but logs, benchmarks and manifests, which tell of times.

    Example: redwood artefacts compare results/embedded ../elsewhere/results/embedded
    """
    from redwood.runs.comparing import compare

    found = compare(one, other)
    for line in (*found.only, *(f"{name}: other bytes" for name in found.differing)):
        typer.echo(line)
    for line in (*found.agreeing, *found.disagreeing):
        typer.echo(line)
    typer.echo(
        f"{found.identical} files are the same, {len(found.differing)} have other bytes, "
        f"{len(found.only)} are in one alone"
    )
    if not (found.same_print if printed else found.same_bytes):
        raise typer.Exit(1)


@artefacts_app.command()
def bundle(
    results: Results,
    output: Annotated[Path, typer.Option(help="Archive to write (ZIP).")],
) -> None:
    """Put what a reviewer needs into one archive that checks itself, and nothing private.

    Example: redwood artefacts bundle results/embedded --output bundle.zip
    """
    from redwood.outputs import file_digest
    from redwood.runs.bundling import bundle

    made = bundle(results, output)
    for line in made.told:
        typer.echo(line)
    typer.echo(f"{output}: {len(made.files)} files, SHA-256 {file_digest(output)}")
    typer.echo(f"to check it: unzip {output.name} && redwood-{results.name}/check")
