"""The `redwood` command: one group of verbs per stage."""

import errno
import os
import sys

import typer

from redwood.errors import InputError
from redwood.extras import explained
from redwood.processes import END_WITH, end_with

_OUT_OF_OUR_HANDS = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS),
    *(errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR, errno.EEXIST),
)

app = typer.Typer(
    help="From the job records of a computing grid to synthetic workloads and simulations.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _register_stages() -> None:
    from redwood.card.commands import card
    from redwood.clean_command import clean
    from redwood.comparing_command import compare
    from redwood.documentation.commands import documentation
    from redwood.evaluation.commands import evaluate, floors, other_floors
    from redwood.explore.commands import explore
    from redwood.generator.commands import app as generator
    from redwood.generator.commands import calibrate, make
    from redwood.paper.commands import app as paper
    from redwood.realising_command import realise
    from redwood.records.commands import app as records
    from redwood.release.commands import app as release
    from redwood.runs.commands import (
        STATUS_SETTINGS,
        artefacts_app,
        costs_app,
        doctor,
        plan,
        status,
    )
    from redwood.simulation.commands import app as simulation
    from redwood.simulation.commands import simulate
    from redwood.surrogates.commands import app as surrogates

    app.add_typer(generator, name="generator")
    app.add_typer(records, name="records")
    records.command("clean")(clean)
    generator.command("realise")(realise)
    # Names of these verbs in earlier versions, which still work.
    for old, verb in (("generate", make), ("calibrate", calibrate), ("card", card)):
        records.command(old, hidden=True)(verb)
    app.command("card")(card)
    app.add_typer(surrogates, name="surrogates")
    app.command("floors")(floors)
    app.command("other-floors")(other_floors)
    app.command("evaluate")(evaluate)
    app.add_typer(release, name="release")
    app.add_typer(simulation, name="simulation")
    simulation.command("compare")(compare)
    app.command("simulate")(simulate)
    app.command("explore")(explore)
    app.add_typer(paper, name="paper")
    app.command("doctor")(doctor)
    app.command("plan")(plan)
    app.command("status", context_settings=STATUS_SETTINGS)(status)
    app.add_typer(costs_app, name="costs")
    app.add_typer(artefacts_app, name="artefacts")
    app.command("documentation")(documentation)


def _say(line: str) -> None:
    """Say why this ends, on standard error; on standard output if that goes to a full disk."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        print(line, flush=True)


def main() -> None:
    """Run the command line. Exit status: 0 done, 1 bad input (one clear line), 2 wrong usage."""
    if parent := os.environ.get(END_WITH):
        end_with(int(parent))
    _register_stages()
    try:
        with explained():
            app()
    except InputError as error:
        _say(f"redwood: {error}")
        sys.exit(1)
    except OSError as error:
        # A full or broken disk or a wrong path is no bug; else it is ours and shows where.
        if error.errno not in _OUT_OF_OUR_HANDS:
            raise
        place = f"{error.filename}: " if error.filename else ""
        _say(f"redwood: {place}{os.strerror(error.errno)}")
        sys.exit(1)
    except KeyboardInterrupt:
        print("redwood: interrupted", file=sys.stderr)
        sys.exit(130)
