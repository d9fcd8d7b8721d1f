"""`redwood artefacts …`: where results come from, and whether they are what they were."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Trace results to their source, check them, compare and bundle them.",
    no_args_is_help=True,
)

Results = Annotated[Path, typer.Argument(help="results of a dataset: results/NAME")]


@app.command()
def manifest(
    results: Results,
    last: Annotated[
        list[str],
        typer.Option(help="a result of each job whose results no other reads; repeatable"),
    ],
    configuration: Annotated[str, typer.Option(help="the configuration as used, in JSON")],
    downloads: Annotated[
        Path | None, typer.Option(help="folder of raw dumps that one job has downloaded")
    ] = None,
) -> None:
    """Write ro-crate-metadata.json: every file of a run, its digest, and how it was made.

    The workflow does this last, from the project's root, by what Snakemake has recorded there.

    Example: redwood artefacts manifest results/mine --last results/mine/tables/table1.csv
    --configuration "$(cat results/mine/configuration.json)"
    """
    from redwood.artefacts.manifest import write_manifest

    unexplained = write_manifest(results, last, configuration, downloads)
    for path in unexplained:
        typer.echo(f"{path}: Snakemake has no record of how it was made", err=True)


@app.command()
def check(
    results: Results,
    inputs: Annotated[
        list[Path] | None,
        typer.Option(help="file or folder of raw dumps from outside the project; repeatable"),
    ] = None,
) -> None:
    """Say which results and inputs are no longer what the manifest says; exit status 1 if any.

    Example: redwood artefacts check results/embedded
    """
    from redwood.artefacts.checking import check

    found = check(results, inputs or ())
    for line in found.findings:
        typer.echo(line)
    if found.not_looked_for:
        names = ", ".join(found.not_looked_for)
        typer.echo(f"not looked for, as no --inputs say where: {names}")
    typer.echo(f"{found.verified} files are as the manifest says, {len(found.findings)} are not")
    if found.findings:
        raise typer.Exit(1)


@app.command()
def compare(
    one: Annotated[Path, typer.Argument(help="results of a dataset")],
    other: Annotated[Path, typer.Argument(help="results of the same by another run")],
    printed: Annotated[
        bool, typer.Option(help="let tables do that are the same in print, as on another machine")
    ] = False,
) -> None:
    """Say in which files two runs differ; exit status 1 if in any.

    Compared are all results, byte for byte, but logs, benchmarks and manifests: they tell of times.

    Example: redwood artefacts compare results/embedded ../elsewhere/results/embedded
    """
    from redwood.artefacts.comparing import compare

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


@app.command()
def bundle(
    results: Results,
    output: Annotated[Path, typer.Option(help="archive to write (ZIP)")],
) -> None:
    """Put what a reviewer needs into one archive that checks itself, and nothing private.

    Example: redwood artefacts bundle results/embedded --output bundle.zip
    """
    from redwood.artefacts.bundling import bundle
    from redwood.artefacts.hashing import sha256

    made = bundle(results, output)
    for line in made.left_out:
        typer.echo(line)
    typer.echo(f"{output}: {len(made.files)} files, SHA-256 {sha256(output)}")
    typer.echo(f"to check it: unzip {output.name} && redwood-{results.name}/check")
