"""What stands in the tables that a simulation writes: columns, units and meanings."""

from redwood.simulation.log import EVENTS, FINAL_STATES, FLOWS
from redwood.tables import Column, Role, TableDescription

# Of columns in which a value may be missing.
_UNKNOWN: Role = "auxiliary"

JOBS = TableDescription(
    "simulated jobs",
    (
        Column("job", "integer", meaning="row of the job table"),
        Column("state", "categorical", meaning=f"final state: {', '.join(FINAL_STATES)}"),
        Column("site", "categorical", role=_UNKNOWN, meaning="of the last attempt, if any"),
        Column("attempts", "integer", meaning="attempts that were begun"),
        Column("cores", "integer", meaning="cores that it occupied while it ran"),
        Column("submit", "numeric", "s", meaning="submitted, after the first job"),
        Column("stagein_s", "numeric", "s", role=_UNKNOWN, meaning="brokered to input complete"),
        Column("queue_s", "numeric", "s", role=_UNKNOWN, meaning="input complete to start"),
        Column("start", "numeric", "s", role=_UNKNOWN, meaning="start of the last attempt's run"),
        Column("wall_s", "numeric", "s", role=_UNKNOWN, meaning="run of the last attempt"),
        Column("end", "numeric", "s", role=_UNKNOWN, meaning="reached its final state"),
        Column("lost_core_s", "numeric", "s", meaning="core seconds of attempts that failed"),
        Column(
            "carbon_g", "numeric", "g", role=_UNKNOWN, meaning="CO2e of its attempts' electricity"
        ),
        Column("cause", "categorical", role=_UNKNOWN, meaning="of the last failure"),
        Column("source", "categorical", role=_UNKNOWN, meaning="site its input was moved from"),
        Column("bytes_moved", "integer", "bytes", meaning="inputs and outputs, between sites"),
    ),
)

SITES = TableDescription(
    "simulated sites",
    (
        Column("site", "categorical"),
        Column("time", "numeric", "s", meaning="start of the interval, after the first job"),
        Column("cores", "integer", meaning="cores of the site"),
        Column("busy_cores", "numeric", meaning="on which grid jobs run, mean over the interval"),
        Column("background_cores", "numeric", meaning="on which local jobs run, mean"),
        Column("queued_jobs", "numeric", meaning="waiting for cores, mean over the interval"),
        Column("staging_jobs", "numeric", meaning="waiting for their input, mean"),
        Column("bytes_in", "integer", "bytes", meaning="of transfers that ended in the interval"),
        Column("bytes_out", "integer", "bytes", meaning="of transfers that ended in the interval"),
        Column("cache_hits", "integer", meaning="inputs found there, by their arrival"),
        Column("cache_misses", "integer", meaning="inputs moved there, by their arrival"),
        Column("finished", "integer", meaning="jobs that finished in the interval"),
        Column("failed", "integer", meaning="attempts that failed in the interval"),
        Column("available", "numeric", meaning="share of the interval in which it was up"),
    ),
)

FLOW_TABLE = TableDescription(
    "simulated flows",
    (
        Column("source", "categorical"),
        Column("destination", "categorical"),
        Column("kind", "categorical", meaning=", ".join(FLOWS)),
        Column("transfers", "integer"),
        Column("failed", "integer", meaning="of the transfers"),
        Column("bytes", "integer", "bytes", meaning="that arrived, those of failed transfers too"),
    ),
)

EVENT_TABLE = TableDescription(
    "simulated events",
    (
        Column("time", "numeric", "s"),
        Column("event", "categorical", meaning=", ".join(EVENTS)),
        Column("job", "integer", role=_UNKNOWN, meaning="row of the job table"),
        Column("site", "categorical", role=_UNKNOWN),
        Column("other_site", "categorical", role=_UNKNOWN, meaning="where a copy came from"),
        Column("site_busy_cores", "integer", role=_UNKNOWN),
        Column("site_waiting_jobs", "integer", role=_UNKNOWN),
        Column("site_staging_jobs", "integer", role=_UNKNOWN),
        Column("site_load", "numeric", role=_UNKNOWN, meaning="cores asked for per core"),
        Column("site_used_bytes", "numeric", "bytes", role=_UNKNOWN),
        Column("grid_busy_cores", "integer"),
        Column("grid_waiting_jobs", "integer"),
    ),
)
