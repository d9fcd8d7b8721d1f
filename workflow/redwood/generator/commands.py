"""`redwood generator …`: make synthetic dumps, and compare dumps with what is published."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Synthetic PanDA dumps, calibrated on published facts.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def make(
    start: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="First day.")],
    days: Annotated[int, typer.Option(help="Length of the recorded window.")],
    sites: Annotated[int, typer.Option(help="Number of computing sites.")],
    jobs: Annotated[int, typer.Option(help="User-analysis jobs; other activities come on top.")],
    seed: Annotated[int, typer.Option(help="Seed of the run.", min=0)],
    output: Annotated[Path, typer.Option(help="Folder to write the dumps to.")],
    grid_seed: Annotated[
        int | None,
        typer.Option(
            help="Seed of the sites, for other users of the same grid [default: SEED].", min=0
        ),
    ] = None,
) -> None:
    """Write synthetic raw dumps as PanDA would.

    Example: redwood generator make --start 2024-01-01 --days 150 --sites 83 --jobs 60000
    --seed 2410 --output raw
    """
    from redwood.configuration import Generate
    from redwood.generator.dumps import generate
    from redwood.validation import read_section

    values = {"start": start.date(), "days": days, "sites": sites, "jobs": jobs}
    options = read_section(Generate, values, "generator make")
    generate(options, seed, output, grid_seed)


@app.command()
def calibrate(
    inputs: Annotated[
        list[Path], typer.Argument(metavar="INPUT...", help="Generated dumps: files or folders.")
    ],
    output: Annotated[Path, typer.Option(help="Folder for calibration.json and .html.")],
) -> None:
    """Compare generated dumps with what is published of genuine ones.

    Example: redwood generator calibrate raw --output calibration
    """
    from redwood.generator.calibration.calibrating import calibrate as calibrate_dumps
    from redwood.names import listed

    results = calibrate_dumps(inputs, output)
    hold, missed, untold = (
        [result["name"] for result in results if result["holds"] is answer]
        for answer in (True, False, None)
    )
    print(f"{output}: {len(hold)} of {len(results)} targets hold", file=sys.stderr)
    for words, names in (("missed", missed), ("could not be tested", untold)):
        if names:
            print(f"  {len(names)} {words}: {listed(names)}", file=sys.stderr)
