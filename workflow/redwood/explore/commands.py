"""The verb `redwood explore`."""

import sys
from pathlib import Path
from typing import Annotated

import typer


def explore(
    results: Annotated[
        Path | None,
        typer.Argument(
            help="Results of a dataset, a folder that `redwood simulate` wrote, or a scenario; if "
            "not given, the results that were made last."
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(help="Instead of serving it, write the page as one HTML file, without knobs."),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 0,
    address: Annotated[
        str, typer.Option(help="Where it listens: this machine alone, unless you name another.")
    ] = "127.0.0.1",
    runs: Annotated[int, typer.Option(min=1, max=64, help="Simulations at a time.")] = 1,
) -> None:
    """A page to play with: sites and traffic over simulated time, and knobs to simulate anew.

    It prints the URL to open. Whoever has it may run simulations, so keep it.

    Example: redwood explore results/embedded

    Example: redwood explore scenario.yaml --runs 2

    Example: redwood explore results/embedded --export grid.html
    """
    from redwood.explore.exporting import export as write
    from redwood.explore.serving import HERE, Explorer
    from redwood.explore.sources import Source, default_results

    source = Source.open(default_results() if results is None else results)
    if export is not None:
        written = write(source, export)
        _say(f"{export}: {len(written)} simulations, {export.stat().st_size / 1e6:.1f} MB")
        return
    for remark in source.remarks:
        _say(remark)
    explorer = Explorer(source, address, port, runs)
    if address != HERE:
        _say(f"listens at {address}: whoever reaches this machine and has the URL can use it")
    _say("open this URL; Ctrl-C ends the page and its simulations")
    print(explorer.url, flush=True)
    explorer.serve()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
