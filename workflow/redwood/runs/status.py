"""What a run would do and why, in words, rule by rule."""

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from redwood.environment_digest import environment_digest, environments
from redwood.runs.dry_run import PlannedJob
from redwood.runs.snakemake_records import SnakemakeRecords

# At most this many jobs or files are named; of more, their number is said.
_NAMED = 3
_FOLLOWS = "what it reads is made again: "
_DIGEST = re.compile(r"'([0-9a-f]{16})'")


def render(jobs: Sequence[PlannedJob], records: SnakemakeRecords) -> str:
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
    causes_first = sorted(groups.items(), key=lambda group: group[0][1].startswith(_FOLLOWS))
    return "\n".join(
        [
            f"{len(jobs)} {'job' if len(jobs) == 1 else 'jobs'} would run",
            *(
                f"{_named(rule, members, of_rule[rule])}: {words}"
                for (rule, words), members in causes_first
            ),
        ]
    )


def reasons(job: PlannedJob, records: SnakemakeRecords, makers: Mapping[str, str]) -> list[str]:
    """Why a job would run, each reason in words.

    Args:
        job: the job.
        records: how the present results were made.
        makers: file → the rule that would make it again.
    """
    if any(records.is_incomplete(output) for output in job.outputs):
        return ["a run that was killed left it incomplete"]
    why, record = job.reason, next(filter(None, map(records.of, job.outputs)), None)
    if job.damage:
        return [f"its result is damaged: {_listed(job.damage)}"]
    if why.forced:
        return ["it is asked for, whether needed or not"]
    found = []
    missing = sorted(map(str, why.missing_output | why.incomplete_output))
    if missing and record is None:
        found.append("it has never run")
    elif missing:
        found.append(f"its result is missing: {_listed(missing)}")
    if changed := sorted(map(str, why.updated_input - why.updated_input_run)):
        found.append(f"what it reads has changed: {_listed(changed)}")
    if remade := sorted({makers[str(f)] for f in why.updated_input_run if str(f) in makers}):
        others = " and others" * (len(remade) > _NAMED)
        found.append(_FOLLOWS + ", ".join(remade[:_NAMED]) + others)
    if why.input_changed:
        found += _other_files(job.inputs, () if record is None else record.inputs)
    if why.code_changed:
        found.append("its command line is written in another way")
    if why.params_changed:
        before = "" if record is None else record.command
        found += _other_parameters(before, job.command, why.params_changed.only_new)
    if why.software_stack_changed:
        found.append("its software environment has changed")
    return found or [str(why)]


def changed_options(before: str, now: str) -> list[str]:
    """One phrase for each option in which two command lines differ: `epochs was 200, is 300`.

    Options are `--name value` and the keys of values in JSON, nested ones joined by dots. Other
    words, such as files, are no options.
    """
    old, new = _options(before), _options(now)
    phrases = []
    for name in [*old, *(name for name in new if name not in old)]:
        if name not in new:
            phrases.append(f"{name} was {old[name]}, is not given any more")
        elif name not in old:
            phrases.append(f"{name} was not given, is {new[name]}")
        elif old[name] != new[name]:
            phrases.append(f"{name} was {old[name]}, is {new[name]}")
    return phrases


def _other_files(now: Sequence[str], before: Sequence[str]) -> list[str]:
    more, fewer = (
        [file for file in one if file not in other] for one, other in ((now, before), (before, now))
    )
    found = []
    if more:
        found.append(f"it reads what it did not read before: {_listed(more)}")
    if fewer:
        found.append(f"it no longer reads {_listed(fewer)}")
    return found or ["it reads other files than before"]


def _other_parameters(before: str, now: str, parameters: set[str]) -> list[str]:
    """What has changed of a job's parameters: options, and the digests of code and environment.

    Args:
        before, now: its command lines.
        parameters: those that it did not have before, as Python prints them.
    """
    found = [f"the option {phrase}" for phrase in changed_options(before, now)]
    pins = {environment_digest(name) for name in environments()}
    digests = {match[1] for match in map(_DIGEST.fullmatch, parameters) if match}
    if digests & pins:
        found.append("a pin of its environment has changed")
    if digests - pins:
        found.append("its code has changed")
    return found or ["its parameters have changed"]


def _options(command: str) -> dict[str, str]:
    """Option → its values as a reader sees them."""
    found: dict[str, list[str]] = {}
    option = ""
    for word in shlex.split(command):
        if (content := _object(word)) is not None:
            for name, value in _flat(content).items():
                shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
                found.setdefault(name, []).append(shown)
        elif word.startswith("--"):
            option = word.removeprefix("--")
            found.setdefault(option, [])
            continue
        elif option:
            found[option].append(word)
        option = ""
    return {name: " ".join(values) or "on" for name, values in found.items()}


def _object(word: str) -> dict[str, Any] | None:
    """The object that a word is in JSON, if it is one."""
    try:
        return json.loads(word) if word.startswith("{") else None
    except ValueError:
        return None


def _flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, dict) and value:
            flat.update(_flat(value, f"{prefix}{name}."))
        else:
            flat[prefix + name] = value
    return flat


def _named(rule: str, jobs: Sequence[PlannedJob], of_rule: int) -> str:
    """The rule, and which of its jobs."""
    names = [
        " ".join(value for name, value in job.wildcards.items() if name != "dataset" and value)
        for job in jobs
    ]
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
