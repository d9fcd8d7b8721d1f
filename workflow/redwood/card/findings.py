"""The data card's verdict: what its facts mean for somebody who wants to use the table."""

from collections.abc import Iterator
from typing import Any, Final, Literal, NamedTuple

from redwood.card.arrivals import LONE_DAYS
from redwood.card.wording import counted, listed, share
from redwood.job_table import COLUMNS

Level = Literal["problem", "care", "note"]
Facts = dict[str, Any]

# Rows rejected for these are not what was asked for; rows rejected for others are faulty.
_SELECTING: Final = frozenset({"not_final", "other_activity", "not_daod", "robot"})
# Rows that are no records of jobs, so that nothing is lost with them.
_NO_JOBS: Final = frozenset({"job_step", "remark", "repeated_header"})
# What the steps of the cleaning reject, for readers who do not know PanDA's columns.
_IN_PLAIN_WORDS: Final = {
    "not_final": "the job had not ended",
    "other_activity": "not a user's analysis but, say, central production",
    "not_daod": "the input is not a dataset derived for analysis (DAOD)",
    "robot": "an automatic test, not somebody's work",
    "no_state": "how the job ended is not said",
    "duplicate": "another record of a job that is there already",
    "job_step": "a step of a job that has a row of its own",
    "remark": "what the exporting program writes around the rows",
    "repeated_header": "the names of the columns once more",
}
_HEADLINES: Final = {
    "problem": "Do not use this table before the problems below are understood.",
    "care": "Usable with care: mind the points below.",
    "note": "Usable: nothing stands out that speaks against it.",
}

# Shares from which on something is worth a word. They are our choice: no publication says when a
# dump is usable.
_MOST_REJECTED = 0.5
_MOST_FAULTY = 0.2
_FAULTY = 0.02
_MISSING = 0.2
_IDLE = 0.5
_UNKNOWN_SITES = 0.05
_NEAR_COPIES = 0.05
# The standard error of a share of 1,000 rows is up to 1.6 %, as large as differences of models.
_FEW_ROWS = 1000


class Finding(NamedTuple):
    """Something that speaks for care, and what to make of it."""

    level: Level
    text: str
    advice: str = ""


def verdict(facts: Facts) -> Facts:
    """Level, headline, summary in sentences, and findings, the gravest first."""
    order = ("problem", "care", "note")
    found = sorted(_findings(facts), key=lambda finding: order.index(finding.level))
    level = found[0].level if found else "note"
    return {
        "level": level,
        "headline": _HEADLINES[level],
        "summary": list(_summary(facts)),
        "findings": [finding._asdict() for finding in found],
    }


def reasons(facts: Facts) -> list[tuple[str, str, int]]:
    """Code, meaning and number of rejected rows of each reason that occurs, most rows first."""
    account = facts["cleaning"]
    unreadable = [
        (reason, plain_words(reason, "the row cannot be read"), rows)
        for reason, rows in account["unreadable"].items()
    ]
    steps = [
        (step["reason"], plain_words(step["reason"], step["description"]), step["rejected"])
        for step in account["steps"]
    ]
    return sorted((r for r in unreadable + steps if r[2]), key=lambda reason: -reason[2])


def plain_words(reason: str, otherwise: str) -> str:
    """What a reason of rejection means; its own description where the card has no plainer words."""
    return _IN_PLAIN_WORDS.get(reason, otherwise)


def _summary(facts: Facts) -> Iterator[str]:
    account, span = facts["cleaning"], facts["arrivals"]
    rows, noun = facts["rows"], facts["noun"]
    if noun == "job":
        yield "Each row is one job that was handed to a computing grid."
    if account:
        total, kept, rejected = (account["rows"][n] for n in ("input", "kept", "rejected"))
        yield (
            f"Of {counted(total, 'row')} in {counted(len(account['files']), 'file')}, "
            f"{kept:,} ({share(kept, total)}) were kept and {rejected:,} "
            f"({share(rejected, total)}) rejected."
        )
        if rejected:
            texts = [
                f"{text} ({number:,} rows, {share(number, rejected)} of the rejected)"
                for _, text, number in reasons(facts)[:3]
            ]
            yield f"Mostly because: {'; '.join(texts)}."
    else:
        features = sum(column["role"] == "feature" for column in facts["columns"])
        yield (
            f"The table has {counted(rows, 'row')} and {counted(len(facts['columns']), 'column')}, "
            f"{features} of them features, which models learn."
        )
    if span:
        daily = list(span["daily"].values())
        yield (
            f"The {noun}s are of {span['first_day']} to {span['last_day']} (UTC), "
            f"{counted(span['days'], 'day')}, {sum(daily) / len(daily):,.0f} {noun}s a day on "
            f"average, {min(daily):,} on the quietest and {max(daily):,} on the busiest day."
        )
    yield from _people_and_places(facts)
    if facts["states"]:
        states = facts["states"]["all"]
        texts = [f"{share(number, rows)} {state}" for state, number in states.items() if number]
        yield f"Final states: {', '.join(texts)}."
    if facts["lacking"]:
        there = len(COLUMNS) - len(facts["lacking"])
        yield (
            f"Of the {len(COLUMNS)} columns that a job table may have, {there} are there; "
            f"the raw files have no values for {listed(facts['lacking'], len(COLUMNS))}."
        )
    filled = [column for column in facts["columns"] if column["missing"]]
    if rows and facts["columns"]:
        cells = rows * len(facts["columns"])
        missing = sum(column["missing"] for column in facts["columns"])
        text = f"{share(missing, cells)} of all cells are missing"
        if filled:
            worst = max(filled, key=lambda column: column["missing"])
            text += f", most in {worst['name']} ({share(worst['missing'], rows)})"
        yield text + "."


def _people_and_places(facts: Facts) -> Iterator[str]:
    columns = {column["name"]: column for column in facts["columns"]}
    rows, noun = facts["rows"], facts["noun"]
    site = columns.get("computingsite")
    if site and site["top"]:
        top = site["top"][0]
        yield (
            f"They come from {counted(site['distinct'], 'site')}; the largest, {top['value']}, "
            f"has {share(top['rows'], rows)} of them."
        )
    parts = [
        f"{counted(columns[name]['distinct'], name)} (the largest has "
        f"{share(columns[name]['largest'], rows)} of the {noun}s)"
        for name in ("user", "task")
        if name in columns and columns[name]["private"] and columns[name]["distinct"]
    ]
    if parts:
        yield f"They belong to {' and '.join(parts)}."


def _findings(facts: Facts) -> Iterator[Finding]:
    if facts["rows"] < _FEW_ROWS:
        yield Finding(
            "problem",
            f"The table has only {counted(facts['rows'], 'row')}.",
            f"Below {_FEW_ROWS:,} rows no model learns much and every measure is noise.",
        )
    if facts["cleaning"]:
        yield from _of_cleaning(facts)
    for column in facts["columns"]:
        yield from _of_column(column, facts)
    if facts["arrivals"]:
        yield from _of_arrivals(facts)
    if facts["split"]:
        yield from _of_split(facts["split"])


def _of_cleaning(facts: Facts) -> Iterator[Finding]:
    account = facts["cleaning"]
    others = sum(account["unreadable"].get(reason, 0) for reason in _NO_JOBS)
    kept = account["rows"]["kept"]
    total, rejected = (account["rows"][name] - others for name in ("input", "rejected"))
    why = [reason for reason in reasons(facts) if reason[0] not in _NO_JOBS]
    faulty = [reason for reason in why if reason[0] not in _SELECTING]
    wrong = sum(number for _, _, number in faulty)
    if rejected > _MOST_REJECTED * total:
        code, text, number = why[0]
        advice = (
            "Most of that is selection, not damage: other kinds of jobs than those asked for. "
            "Check that records.cleaning selects what you want."
            if rejected - wrong > wrong
            else "Look at rejected.parquet before you use the rest."
        )
        yield Finding(
            "care",
            f"More than half of the rows are rejected ({share(rejected, total)}), "
            f"most of all for {code}: {text} ({number:,}).",
            advice,
        )
    if wrong > _FAULTY * total:
        texts = [f"{code} {number:,}" for code, _, number in faulty]
        yield Finding(
            "problem" if wrong > _MOST_FAULTY * total else "care",
            f"{share(wrong, total)} of the rows are faulty ({', '.join(texts)}).",
            "What is left may be a biased part: jobs that fail tend to have gaps in their records.",
        )
    sites = account["sites"]
    guessed = account["workload"]["default_core_power"]
    if guessed > _UNKNOWN_SITES * kept:
        yield Finding(
            "care",
            f"The work of {share(guessed, kept)} of the jobs assumes the default core power.",
            "The table of sites does not know how fast their sites' cores are.",
        )
    masked = sites.get("masked", 0)
    strangers = sites["unknown"] + masked
    if strangers > _UNKNOWN_SITES * kept:
        names = sorted(sites["unknown_names"].items(), key=lambda item: (-item[1], item[0]))
        texts = [f"{name} ({number:,})" for name, number in names[:5]]
        texts += [f"masked ones ({masked:,})"] if masked else []
        yield Finding(
            "care",
            f"{share(strangers, kept)} of the jobs ran at sites that the table of sites does not "
            f"know: {listed(texts)}.",
            "Check the names, and add those that are right to the table of sites.",
        )
    for column, words in account.get("words", {}).items():
        rows, number = words["masked"]["rows"], words["masked"]["words"]
        if rows > _UNKNOWN_SITES * kept:
            yield Finding(
                "care",
                f"{counted(number, 'value')} of {column} are masked, in {share(rows, kept)} of the "
                "jobs: they are on no list, and too few owners share them or a name is in them.",
                "records.cleaning.words lets out those that are nobody's name.",
            )
    for option in account.get("exceptions", ()):
        yield Finding(
            "note" if option == "pseudonymous" else "care",
            f"records.cleaning.{option} is set: words came out that are on no list and that few "
            "owners share.",
            "Make sure that none of them is a person's name before you pass the table on.",
        )
    if account["hash_key"] == "random" and {"user", "task"} - set(facts["lacking"]):
        yield Finding(
            "note",
            "Users and tasks were hashed with a key drawn for this run.",
            "They cannot be joined with those of another run; set REDWOOD_HASH_KEY for that.",
        )
    for text, number in account["assumptions"].items():
        yield Finding("note", f"Assumed in {counted(number, 'row')}: {text}.")


def _of_column(column: Facts, facts: Facts) -> Iterator[Finding]:
    name, rows = column["name"], facts["rows"]
    is_feature = column["role"] == "feature"
    if column["distinct"] <= 1 and rows > 1:
        what = "no value at all" if not column["distinct"] else "one and the same value everywhere"
        yield Finding(
            "care" if is_feature else "note",
            f"Column {name} has {what}.",
            "There is nothing to learn from it; leave it out of the features."
            if is_feature
            else "",
        )
    if column["missing"] > _MISSING * rows:
        yield Finding(
            "care",
            f"Column {name} is missing in {share(column['missing'], rows)} of the rows.",
            "What it says holds for the other rows only.",
        )
    if column.get("infinite"):
        yield Finding("problem", f"Column {name} has {column['infinite']:,} infinite values.")
    if column["scale"] == "log" and column.get("negative"):
        yield Finding(
            "problem",
            f"Column {name} has {counted(column['negative'], 'negative value')}, but is on a "
            "logarithmic scale.",
            "Models and measures cannot take its logarithm.",
        )
    if name == "workload" and column.get("zeros", 0) > _IDLE * rows:
        yield Finding(
            "care",
            f"{share(column['zeros'], rows)} of the jobs have no work.",
            "Either most jobs never ran, or the files lack the CPU time.",
        )


def _of_arrivals(facts: Facts) -> Iterator[Finding]:
    span, noun = facts["arrivals"], facts["noun"]
    if span["outside"]:
        yield Finding(
            "care",
            f"{counted(span['outside'], noun)} {'is' if span['outside'] == 1 else 'are'} more than "
            f"{LONE_DAYS} days from all others; all are of {span['first']} to {span['last']}.",
            "Probably a clock or a date format that was misread. Charts show the rest.",
        )
    empty = span["empty_days"]
    if empty:
        yield Finding(
            "care",
            f"{counted(len(empty), 'day')} of {span['days']:,} without any {noun}: "
            f"{listed(empty)}.",
            "Ask whether a file is missing before you read anything into arrivals.",
        )


def _of_split(division: Facts) -> Iterator[Finding]:
    copies = division.get("near_copies")
    if copies is None:
        return
    test = copies["test"]
    if test["share"] > _NEAR_COPIES:
        advice = (
            "Near-copies of a task's jobs are on both sides, which flatters every measure of what "
            "was learned by heart; records.split.method: task keeps tasks together. Test rows are "
            "then of other tasks, which cannot judge attacks on single rows: those are left to "
            "the records that the release gate plants."
        )
        yield Finding(
            "care",
            f"{share(test['of_a_training_task'], test['rows'])} of the test rows belong to a task "
            "of which other jobs are training rows.",
            advice,
        )
