"""`redwood status`."""

import typer

ARGUMENTS = {"allow_extra_args": True, "ignore_unknown_options": True}


def status(context: typer.Context) -> None:
    """Say what a run would do and why, rule by rule. Nothing is run, written or locked.

    Further arguments are Snakemake's, as of the run itself.

    Example: redwood status --configfile config/lcg2005.yaml
    """
    from redwood.status.planning import planned_jobs
    from redwood.status.records import Records
    from redwood.status.wording import render

    typer.echo(render(planned_jobs(context.args), Records()))
