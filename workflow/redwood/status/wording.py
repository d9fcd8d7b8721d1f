"""The reasons of a plan, in words, rule by rule."""

import re
from collections.abc import Mapping, Sequence

from redwood.environment_digest import environment_digest, environments
from redwood.status.changes import changed_options
from redwood.status.planning import PlannedJob
from redwood.status.records import Records

# So many jobs or files are named, of more only their number is said.
_NAMED = 3
_ANEW = "what it reads is made anew: "
_DIGEST = re.compile(r"'([0-9a-f]{16})'")
_KINDS = (
    "Forced execution", "Missing output files: ", "Incomplete output files: ",
    "Updated input files: ", "Input files updated by another job: ",
    "Set of input files has changed since last execution",
    "Code has changed since last execution", "Params have changed since last execution: ",
    "Software environment definition has changed since last execution",
)  # fmt: skip
_SPLIT = re.compile("; (?=" + "|".join(map(re.escape, _KINDS)) + ")")


def render(jobs: Sequence[PlannedJob], records: Records) -> str:
    """What would run and why: one line for each rule and reason, causes before what follows.

    Args:
        jobs: the plan.
        records: how the present results were made.
    """
    jobs = [job for job in jobs if job.command]
    if not jobs:
        return "nothing to be done: all results are there and up to date"
    makers = {output: job.rule for job in jobs for output in job.outputs}
    groups: dict[tuple[str, str], list[PlannedJob]] = {}
    for job in jobs:
        for words in reasons(job, records, makers):
            groups.setdefault((job.rule, words), []).append(job)
    of_rule = {rule: sum(job.rule == rule for job in jobs) for rule, _ in groups}
    lines = [
        f"{_named(rule, members, of_rule[rule])}: {words}"
        for (rule, words), members in sorted(groups.items(), key=_follows)
    ]
    return "\n".join([f"{_number(len(jobs), 'job')} would run", *lines])


def _follows(group: tuple[tuple[str, str], list[PlannedJob]]) -> bool:
    """Whether a reason is but that something else runs."""
    return group[0][1].startswith(_ANEW)


def reasons(job: PlannedJob, records: Records, makers: Mapping[str, str]) -> list[str]:
    """Why a job would run, each reason in words of its own.

    Args:
        job: the job.
        records: how the present results were made.
        makers: file → the rule that would make it anew.
    """
    if any(records.is_incomplete(output) for output in job.outputs):
        return ["a run that was killed left it incomplete"]
    found = []
    for reason in _SPLIT.split(job.reason):
        kind = next((kind for kind in _KINDS if reason.startswith(kind)), "")
        found += _words(kind, reason.removeprefix(kind), job, records, makers)
    return found


def _words(
    kind: str, rest: str, job: PlannedJob, records: Records, makers: Mapping[str, str]
) -> list[str]:
    files = [file for file in rest.split(", ") if file]
    record = next(filter(None, map(records.of, job.outputs)), None)
    match kind:
        case "Forced execution":
            return ["it is asked for, whether needed or not"]
        case "Missing output files: " if record is None:
            return ["it has never run"]
        case "Missing output files: " | "Incomplete output files: ":
            return [f"its result is missing: {_listed(files)}"]
        case "Updated input files: ":
            return [f"what it reads has changed: {_listed(files)}"]
        case "Input files updated by another job: ":
            rules = sorted({makers[file] for file in files if file in makers})
            return [_ANEW + ", ".join(rules[:_NAMED]) + " and others" * (len(rules) > _NAMED)]
        case "Set of input files has changed since last execution":
            return _other_files(job, () if record is None else record.inputs)
        case "Code has changed since last execution":
            return ["its command line is written in another way"]
        case "Params have changed since last execution: ":
            return _changed(rest, job, "" if record is None else record.command)
        case "Software environment definition has changed since last execution":
            return ["its software environment has changed"]
    return [rest]


def _other_files(job: PlannedJob, before: Sequence[str]) -> list[str]:
    more = [file for file in job.inputs if file not in before]
    fewer = [file for file in before if file not in job.inputs]
    found = []
    if more:
        found.append(f"it reads what it did not read before: {_listed(more)}")
    if fewer:
        found.append(f"it reads no more: {_listed(fewer)}")
    return found or ["it reads other files than before"]


def _changed(values: str, job: PlannedJob, before: str) -> list[str]:
    """What has changed of a job's parameters: options, and the digests of code and environment."""
    found = [f"the option {phrase}" for phrase in changed_options(before, job.command)]
    pins = {environment_digest(name) for name in environments()}
    digests = set(_DIGEST.findall(values.rpartition("now: ")[2]))
    if digests & pins:
        found.append("a pin of its environment has changed")
    if digests - pins:
        found.append("its code has changed")
    return found or ["its parameters have changed"]


def _named(rule: str, jobs: Sequence[PlannedJob], of_rule: int) -> str:
    """The rule, and which of its jobs."""
    names = [" ".join(job.wildcards) for job in jobs]
    if len(jobs) <= _NAMED and all(names):
        return f"{rule} {', '.join(names)}"
    if of_rule == 1:
        return rule
    share = f"{len(jobs)} of " * (len(jobs) < of_rule)
    return f"{rule} ({share}{of_rule} jobs)"


def _listed(files: Sequence[str]) -> str:
    if len(files) <= _NAMED:
        return ", ".join(files)
    return f"{files[0]} and {len(files) - 1} more"


def _number(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
