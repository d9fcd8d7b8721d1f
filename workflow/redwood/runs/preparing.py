"""What a run of the workflow needs before its rules are read."""

import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from redwood.configuration import Configuration, Simulation, validate
from redwood.errors import InputError
from redwood.facts import fact_file
from redwood.outputs import DIGESTS, is_abandoned
from redwood.processes import END_WITH, end_with
from redwood.runs.cluster import read_cluster
from redwood.runs.cost_scales import COST_SCALES
from redwood.runs.costs import read_costs
from redwood.runs.damage import Digests, find_damage
from redwood.runs.requests import Requests
from redwood.runs.slurm_amendments import amend_plugin, what_is_lost
from redwood.runs.snakemake_records import mark_damaged
from redwood.simulation.engines import OURS, find, variable

# The process of ./run; empty if it is not what started this one.
_STARTER = os.environ.get(END_WITH, "")
# The workflows that this process has prepared, the newest last: how `redwood plan` and `redwood
# status` get at the graph of jobs of their dry run.
prepared: list[Any] = []
# Output of a rule → what is damaged of it, a line each, by the workflow that was prepared last.
damaged: dict[str, list[str]] = {}


def prepare(workflow: Any, shell: Any, config: dict[str, Any]) -> tuple[Configuration, Requests]:
    """Check the configuration, put right what a crash has left, and let jobs find the library.

    Args:
        workflow: Snakemake's, as a Snakefile sees it.
        shell: Snakemake's function that runs shell lines.
        config: the configuration as Snakemake has merged it.

    Returns:
        The configuration, and what each rule asks for: memory, time and where to run.

    Raises:
        WorkflowError: the configuration or the description of the cluster is wrong.
    """
    from snakemake.exceptions import WorkflowError
    from snakemake.scheduling.job_scheduler import JobScheduler
    from snakemake_interface_executor_plugins.settings import ExecMode

    try:
        configuration = validate(config)
        _require_policies(configuration)
        results = Path("results", configuration.dataset)
        cluster, costs = read_cluster(Path(), os.environ), read_costs(fact_file("costs.csv"))
        requests = Requests(configuration, cluster, costs, results)
    except InputError as error:
        raise WorkflowError(str(error)) from None
    amend_plugin()
    if workflow.exec_mode == ExecMode.DEFAULT and not workflow.output_settings.dryrun:
        amend_sigterm(JobScheduler)
        mark_damaged()
        remove_abandoned(results)
        redate_future([Path("resources"), results])
        (results / DIGESTS).mkdir(parents=True, exist_ok=True)
    _let_jobs_find_the_library(f"{workflow.basedir}/workflow", shell)
    prepared.append(workflow)
    return configuration, requests


def _require_policies(configuration: Configuration) -> None:
    """Make sure of the files of one's own policies: Snakemake would name a rule, not the key."""
    for policy in configuration.simulation.policies:
        for path in policy.files:
            if not Path(path).is_file():
                raise InputError(
                    f"simulation.policies: {policy.label}: {path}: no such file; relative paths of "
                    f"a configuration count from the project's root, {Path.cwd()}"
                )


def engines_there(workflow: Any, simulation: Simulation) -> list[str]:
    """The engines of a configuration besides ours whose programs are there; a line for each other.

    Where a program is on this machine goes to the jobs in a variable of the environment: as a
    parameter of a rule, another place would make its runs stale.
    """
    from snakemake.logging import logger
    from snakemake_interface_executor_plugins.settings import ExecMode

    there = []
    for name in simulation.engines:
        if name in simulation.programs:
            os.environ[variable(name)] = simulation.programs[name]
        if name == OURS:
            continue
        found = find(name, ask=False)
        if found.usable:
            there.append(name)
        elif workflow.exec_mode == ExecMode.DEFAULT:
            logger.warning(f"simulation.engines: {name} is left out: {found}")
    return there


def renew_damaged(workflow: Any, dataset: str, outputs: Collection[str]) -> None:
    """Say which results are not what was made, and have what is damaged made again.

    Args:
        workflow: Snakemake's, before it plans.
        dataset: whose results.
        outputs: all that its rules make.
    """
    from snakemake.logging import logger
    from snakemake_interface_executor_plugins.settings import ExecMode

    damaged.clear()
    if workflow.exec_mode != ExecMode.DEFAULT:
        return
    results, changes = Path("results", dataset), not workflow.output_settings.dryrun
    digests = Digests(results)
    found = find_damage(results, digests)
    if changes:
        digests.save()
    for name, words in (*found.files.items(), *found.added.items()):
        makers = found.makers(name, outputs, results) if name in found.files else set()
        for output in makers:
            damaged.setdefault(output, []).append(f"{results / name}: {words}")
        if makers:
            words += "; to be made again"
        elif name in found.files:
            words += "; no rule of this configuration makes it"
        logger.warning(f"{results / name}: {words}")
        if changes and f"{results / name}" in makers and (results / name).is_dir():
            logger.warning(f"{results / name}: set aside as {_set_aside(results / name)}")
    plan = workflow._prepare_dag

    def plan_again(*arguments: Any, **named: Any) -> None:
        # As by --forcerun, which would add targets, too, that were not asked for.
        plan(*arguments, **named)
        workflow.dag.forcefiles.update(damaged)

    workflow._prepare_dag = plan_again


def _set_aside(folder: Path) -> Path:
    """Rename a folder that stands where a result belongs: Snakemake would not make it again."""
    aside = folder.with_name(f"{folder.name}.set-aside")
    while aside.exists():
        aside = aside.with_name(f"{aside.name}-")
    return folder.rename(aside)


def begin(workflow: Any, requests: Requests) -> None:
    """Let a run end with what started it, show its progress, warn of what will not go as it should.

    Args:
        workflow: Snakemake's, its jobs known.
        requests: what they ask for. That is capped at what the cluster has, which would hide that
            it is too little.
    """
    from snakemake.logging import logger
    from snakemake_interface_executor_plugins.settings import ExecMode

    # Nodes of a cluster have its number in their environment, too.
    if _STARTER and workflow.exec_mode == ExecMode.DEFAULT:
        # On a cluster it cancels its jobs first.
        end_with(int(_STARTER), signal.SIGINT if workflow.non_local_exec else signal.SIGKILL)
    if workflow.non_local_exec:
        jobs = [(job.rule.name, job.wildcards_dict) for job in workflow.dag.needrun_jobs()]
        known = [job for job in jobs if job[0] in COST_SCALES]
        for warning in filter(None, [what_is_lost(), *requests.beyond_limits(known)]):
            logger.warning(warning)
    if workflow.exec_mode == ExecMode.DEFAULT:
        # It takes a tenth of a second to load, and most calls of Snakemake run nothing.
        from redwood.runs.run_progress import show_progress

        show_progress(workflow, requests)


def amend_sigterm(scheduler: type) -> None:
    """Let Snakemake's scheduler end on SIGTERM whenever it comes.

    Its handler takes a lock that the thread which it interrupts holds while jobs are selected, and
    would wait for ever (Snakemake 9.27). Another thread gets it; the queue needs no lock.
    """
    ending: SimpleQueue = SimpleQueue()
    end = scheduler.exit_gracefully  # type: ignore[attr-defined]

    def wait() -> None:
        while True:
            end(ending.get())

    threading.Thread(target=wait, daemon=True).start()
    scheduler.exit_gracefully = lambda self, *_: ending.put(self)  # type: ignore[attr-defined]


def _let_jobs_find_the_library(library: str, shell: Any) -> None:
    """Let jobs find this Python and the library, on this machine and inside a Slurm job alike."""
    os.environ["PATH"] = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    os.environ["REDWOOD_LIBRARY"] = library
    # With --sdm conda the rule's own Python must come before this one. Conda puts it first on PATH
    # if no environment seems active, else in that one's place, which may be behind.
    os.environ.pop("CONDA_SHLVL", None)
    # A job is a child of snakemake's own process and ends with it, however that ends: no orphan
    # goes on writing.
    os.environ[END_WITH] = str(os.getpid())
    # Nor does a file in the project's root, a policy say, stand in for a module of its name; and
    # policies that go through a set of texts do so in the same order every time.
    os.environ["PYTHONSAFEPATH"] = "1"
    os.environ.setdefault("PYTHONHASHSEED", "0")
    # Snakemake takes PYTHONPATH from jobs in conda environments, hence it is set here. If an
    # environment could not be activated, Snakemake goes on with any Python that it finds; these
    # jobs end instead.
    shell.prefix('[ $? -eq 0 ] || exit; PYTHONPATH="$REDWOOD_LIBRARY" exec ')


def remove_abandoned(results: Path) -> None:
    """Remove what runs that were killed have left half-written."""
    from snakemake.logging import logger

    for path in sorted(results.rglob(".*.partial")):
        if is_abandoned(path):
            logger.info(f"{path}: was being written by a process that was killed; removed")
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def redate_future(folders: Iterable[Path]) -> None:
    """Set the time of files below `folders` that are from the future to now.

    Snakemake fails a job whose result is older than what it read, and after a clock has jumped
    back all new results are. A file's former time does not matter: its content counts.
    """
    now = time.time()
    for folder in folders:
        for path in folder.rglob("*"):
            if path.lstat().st_mtime <= now:
                continue
            try:
                os.utime(path, (now, now), follow_symlinks=False)
            except OSError:
                # If a file can only be read, Snakemake itself says what is wrong.
                continue
