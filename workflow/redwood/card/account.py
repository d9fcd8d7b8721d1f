"""The sections of the data card on the cleaning and the split, from their accounts."""

from collections.abc import Iterator
from html import escape
from typing import Any, Final

from redwood.card.findings import plain_words, reasons
from redwood.card.html import block, meter, section, small, table
from redwood.card.wording import NONE, counted, share

Facts = dict[str, Any]

_MOST_FILES: Final = 40


def rejected(facts: Facts) -> str:
    """The steps of the cleaning as a funnel, what they rejected for, and from which files."""
    account = facts["cleaning"]
    if not account:
        return section("Rejected rows", _faults(facts)) if facts["rejects"] else ""
    total = account["rows"]["input"]
    left = total - sum(account["unreadable"].values())
    steps = [("All rows of the files", "", None, total)]
    if account["unreadable"]:
        texts = "; ".join(f"{text} ({n:,})" for text, n in account["unreadable"].items())
        steps.append(("unreadable", texts, total - left, left))
    for step in account["steps"]:
        plain = plain_words(step["reason"], "")
        text = f"{plain}: {step['description']}" if plain else step["description"]
        steps.append((step["reason"], text, step["rejected"], step["left"]))
    rows = [
        [
            f"<b>{escape(reason)}</b>{small(text)}",
            NONE if lost is None else f"{lost:,}",
            NONE if lost is None else share(lost, total),
            f"{remaining:,}",
            meter(remaining, total),
        ]
        for reason, text, lost, remaining in steps
    ]
    note = "Each row is rejected by the first step that finds fault with it."
    heads = ("Step", "Rejected", "of all rows", "Left", "")
    body = f"<p>{note}</p>{table(heads, rows, right=(1, 2, 3))}{_faults(facts)}{_files(account)}"
    return section("From the raw files to the table", body)


def _faults(facts: Facts) -> str:
    if not facts["rejects"]:
        return ""
    meanings = {code: text for code, text, _ in reasons(facts)} if facts["cleaning"] else {}
    rows = [
        [
            f"<b>{escape(entry['reason'])}</b>{small(meanings.get(entry['reason']))}",
            escape(entry["column"] or NONE),
            f"{entry['rows']:,}",
            escape(", ".join(f"{v['value']} ({v['rows']:,})" for v in entry["values"])) or NONE,
        ]
        for entry in facts["rejects"]
    ]
    heads = ("Reason", "Raw column", "Rows", "Most frequent values")
    return f"<h3>Rejected rows by reason</h3>{table(heads, rows, right=(2,))}"


def _files(account: Facts) -> str:
    files = sorted(account["files"], key=lambda file: -file["rejected"])
    rows = [
        [
            escape(file["file"]),
            escape(file["format"]),
            f"{file['rows']:,}",
            f"{file['kept']:,}",
            f"{file['rejected']:,}",
            share(file["rejected"], file["rows"]),
            f"<code title='{file['sha256']}'>{file['sha256'][:12]}…</code>",
        ]
        for file in files[:_MOST_FILES]
    ]
    more = len(files) - len(rows)
    note = f"<p>… and {counted(more, 'file')} with fewer rejected rows.</p>" if more else ""
    heads = ("File", "Format", "Rows", "Kept", "Rejected", "Share", "SHA-256")
    return f"<h3>By file</h3>{table(heads, rows, right=(2, 3, 4, 5))}{note}"


def reading(facts: Facts) -> str:
    """How values came about: workloads, sites, unusable cells, assumptions."""
    account = facts["cleaning"]
    if not account:
        return ""
    kept = account["rows"]["kept"]
    parts = list(_lists(account, kept))
    return section("How cells were read", f"<div class='columns'>{''.join(parts)}</div>")


def _lists(account: Facts, kept: int) -> Iterator[str]:
    names = {
        "from_cpu_time": "CPU time × core power of the site",
        "from_hs06sec": "HS06SEC of the dump, without a CPU time",
        "never_ran": "0: closed or cancelled before they ran",
        "default_core_power": "with the default core power, the site's being unknown",
        "known": "named as in the table of sites",
        "folded": "queues folded into their site",
        "unknown": "unknown to the table of sites",
        "masked": "masked, since the name may be anything",
    }
    for title, counts in (
        ("Where workloads come from", account["workload"]),
        ("Sites", {k: v for k, v in account["sites"].items() if isinstance(v, int)}),
    ):
        rows = [(names.get(key, key), f"{n:,}", share(n, kept)) for key, n in counts.items() if n]
        yield block(title, rows)
    blanked = [(raw, f"{n:,}", share(n, kept)) for raw, n in account["blanked_cells"].items()]
    yield block("Unusable cells of kept rows, made missing", blanked)
    assumed = [(text, f"{n:,}", "") for text, n in account["assumptions"].items()]
    yield block("Assumptions, and in how many rows", assumed)


def division(account: Facts | None) -> str:
    """The split: its rule, its parts and how many near-copies they share."""
    if not account:
        return ""
    copies = account.get("near_copies") or {}
    rows = []
    for name, part in account["parts"].items():
        near = copies.get(name)
        trained = near["of_a_training_task"] if near else 0
        rows.append(
            [
                f"<b>{escape(name)}</b>",
                f"{part['rows']:,}",
                escape(part["first"][:19].replace("T", " ")),
                escape(part["last"][:19].replace("T", " ")),
                f"{trained:,} ({share(trained, near['rows'])})" if near else NONE,
                f"<code title='{part['sha256']}'>{part['sha256'][:12]}…</code>",
            ]
        )
    heads = ("Part", "Rows", "First", "Last", "Rows of a training task", "SHA-256")
    rule = account["rule"][0].upper() + account["rule"][1:]
    return section(
        "Training, validation and test rows",
        f"<p>{escape(rule)} (seed {account['seed']}).</p>{table(heads, rows, right=(1, 4))}",
    )


def origin(facts: Facts) -> str:
    """The options that the cleaning was run with, and the key of the hashes."""
    account = facts["cleaning"]
    if not account:
        return ""
    rows = [
        (f"<code>{escape(key)}</code>", f"<code>{escape(_plain(value))}</code>")
        for key, value in account["options"].items()
    ]
    keys = {
        "environment": "keyed by REDWOOD_HASH_KEY: equal in all runs with that key",
        "random": "keyed at random for this run: not to be joined with another run's",
        "seed": "keyed by the run's seed: for made-up users and pseudonyms only",
    }
    note = f"Hashes of users and tasks are {keys.get(account['hash_key'], account['hash_key'])}."
    return section("Options of the cleaning", table(("Option", "Value"), rows), note)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(entry) for entry in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
