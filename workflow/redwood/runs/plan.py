"""What a whole run will take, before anything is submitted."""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redwood.configuration import Configuration, validate
from redwood.errors import InputError
from redwood.records.raw_dumps import files_there
from redwood.runs.cluster import Cluster
from redwood.runs.costs import Costs
from redwood.runs.dry_run import PlannedJob, planned_jobs, project_root
from redwood.runs.requests import Expected, Requests
from redwood.runs.row_counts import RowCounts, row_counts
from redwood.runs.schedule import longest_chain, makespan

# Snakemake plans only from dumps that are there or that a rule gets. Before there are any, a rule
# that gets one stands in, and is left out of the plan.
_STAND_IN = "records_retrieve"
_STAND_IN_CONFIGURATION = (
    'records={source: {retrieve: {url: "https://example.org/dump_to_come.csv.gz"}}}'
)


@dataclass(frozen=True)
class PlannedRule:
    """Jobs of one rule that are expected to take the same.

    Attributes:
        expected: what one of them takes.
        jobs: how many.
        cores: of one.
        stage: their room.
    """

    expected: Expected
    jobs: int
    cores: int
    stage: str = ""

    @property
    def name(self) -> str:
        return self.expected.job.name

    @property
    def core_hours(self) -> float:
        return self.jobs * self.cores * self.expected.hours

    @property
    def gpu_hours(self) -> float:
        return self.jobs * self.expected.hours * self.expected.gpu

    @property
    def price(self) -> float:
        """The price of all jobs, in the cluster's currency."""
        nodes = self.expected.nodes
        per_gpu_hour = getattr(nodes, "price_per_gpu_hour", 0)
        return self.core_hours * nodes.price_per_core_hour + self.gpu_hours * per_gpu_hour

    @property
    def beyond(self) -> float:
        """How many times the rows of the largest measured job; 0 where nothing is measured."""
        most = self.expected.cost.most_rows
        return self.expected.job.rows / most if most else 0.0


@dataclass(frozen=True)
class Plan:
    """A whole run from nothing.

    Attributes:
        counts: the rows that it is for.
        rules: what its rules take, in the order in which they can run.
        hours: the time it takes with this number of jobs at once.
        at_once: that number.
        chain: rules and hours of the jobs that wait for each other longest: the time it takes with
            any number of cores and GPUs.
    """

    counts: RowCounts
    rules: tuple[PlannedRule, ...]
    hours: float
    at_once: int
    chain: tuple[tuple[str, float], ...]

    @property
    def stages(self) -> dict[str, list[PlannedRule]]:
        """The rules of each stage that takes any time, stages in the order in which they begin.

        Within a stage the rule of most core hours comes first.
        """
        found: dict[str, list[PlannedRule]] = defaultdict(list)
        for one in self.rules:
            found[one.stage].append(one)
        return {
            stage: sorted(rules, key=lambda one: -one.core_hours) for stage, rules in found.items()
        }

    @property
    def shortest_hours(self) -> float:
        return sum(hours for _, hours in self.chain)


def plan_run(
    configfiles: Sequence[Path],
    cluster: Cluster,
    costs: Costs,
    at_once: int,
    rows: int | None = None,
) -> Plan:
    """Plan a whole run of the workflow; nothing is run or written.

    Args:
        configfiles: configurations on top of `config/config.yaml`, each on top of those before it.
        cluster: where it runs.
        costs: what jobs have been measured to take.
        at_once: jobs that run at a time.
        rows: jobs to be kept, whatever the dumps hold.

    Raises:
        InputError: the configuration is wrong, the number of rows is not known, or a rule has no
            measured cost.
    """
    files = [file.absolute() for file in configfiles]
    # The configuration names files relative to the project's root, as Snakemake takes them.
    with chdir(project_root()):
        configuration = _merged([Path("config/config.yaml"), *files])
        results = Path("results", configuration.dataset)
        row_counts(configuration, results, rows)  # else a plan would rest on nothing
        arguments = ["--forceall", "--configfile", "config/config.yaml", *map(str, files)]
        source = configuration.records.source
        stand_in = bool(source.files) and not files_there(source) and source.retrieve is None
        if stand_in:
            arguments += ["--config", _STAND_IN_CONFIGURATION]
        jobs = planned_jobs(arguments)
        requests = Requests(configuration, cluster, costs, results, rows)
        return plan(jobs, requests, at_once, without=_STAND_IN if stand_in else "")


def plan(jobs: Sequence[PlannedJob], requests: Requests, at_once: int, without: str = "") -> Plan:
    """The expected hours, memory and price of every rule.

    Waiting in queues is not counted, and trainings count to their last epoch, without stopping
    early. Each job counts as one of Slurm's, though short ones share them.

    Args:
        jobs: of a dry run.
        requests: tells what each takes.
        at_once: jobs that run at a time.
        without: a rule that takes nothing.

    Raises:
        InputError: a rule has no measured cost.
    """
    expected = [
        requests.expected(job.rule, job.wildcards) if job.command and job.rule != without else None
        for job in jobs
    ]
    alike: dict[str, list[int]] = defaultdict(list)
    for position, one in enumerate(expected):
        if one is not None:
            alike[one.job.name].append(position)
    hours = [one.hours if one is not None else 0.0 for one in expected]
    after = [job.after for job in jobs]
    return Plan(
        requests.rows,
        tuple(
            PlannedRule(one, len(positions), jobs[positions[0]].threads, jobs[positions[0]].stage)
            for positions in alike.values()
            if (one := expected[positions[0]]) is not None
        ),
        makespan(hours, after, at_once),
        at_once,
        tuple(
            (one.job.name, one.hours)
            for position in longest_chain(hours, after)
            if (one := expected[position]) is not None
        ),
    )


def _merged(files: Sequence[Path]) -> Configuration:
    """The configuration of some files, merged as Snakemake does.

    Raises:
        InputError: a file cannot be read, or what it says is wrong.
    """
    from snakemake.common.configfile import load_configfile
    from snakemake.exceptions import WorkflowError
    from snakemake.utils import update_config

    content: dict[str, Any] = {}
    for file in files:
        try:
            update_config(content, load_configfile(str(file)))
        except (WorkflowError, OSError) as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{file}: cannot be read as a configuration: {reason}") from None
    return validate(content, ", ".join(map(str, files)))
