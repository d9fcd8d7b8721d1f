"""What was run, as the paper's first table has it: data, seeds, models, policies, commit, machine.

Nothing here is the time of day: the same run gives the same paper.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from redwood.paper.report.findings import Results, listed
from redwood.paper.report.provenance import Provenance


def run_facts(
    configuration: Mapping[str, Any], found: Results, provenance: Provenance
) -> list[tuple[str, str]]:
    """Name and value of each fact.

    Args:
        configuration: as the run's manifest has it beside itself.
        found: what the run found.
        provenance: what the manifest says.
    """
    return [
        *_of_data(found),
        *_of_models(configuration, found),
        *_of_simulation(configuration["simulation"]),
        ("Source", provenance.source),
        ("Machine", "; ".join(f"{name} {value}" for name, value in provenance.machine.items())),
        (
            "Versions",
            ", ".join(f"{name} {one}".strip() for name, one in provenance.software.items()),
        ),
    ]


def _of_data(found: Results) -> Iterator[tuple[str, str]]:
    card = found.card
    origin = (
        "generated as a stand-in: they say nothing about any genuine grid"
        if card["synthetic"]
        else "genuine"
    )
    account = card["cleaning"]
    kept = f"{card['rows']:,} {card['noun']}s"
    if account:
        kept = f"{account['rows']['input']:,} raw rows, of which {kept} were kept"
    yield "Records", f"{kept}; {origin}"
    if card["split"]:
        parts = card["split"]["parts"].items()
        rows = listed([f"{one['rows']:,} for {part}" for part, one in parts])
        yield "Parts", f"{rows}; {card['split']['rule']}"


def _of_models(configuration: Mapping[str, Any], found: Results) -> Iterator[tuple[str, str]]:
    table = found.table1
    seeds = {name: seed for name, seed in configuration["seeds"].items() if seed is not None}
    own = "".join(f"; {name}: {seed}" for name, seed in seeds.items())
    trainings = configuration["surrogates"]["seeds"]
    yield "Seed", f"{configuration['seed']}{own}"
    once = "trained once each" if trainings == 1 else f"trained {trainings} times each"
    yield "Models", f"{listed(found.models)}; {once}"
    if table["controls"]:
        yield "Controls", listed(table["controls"])
    counts = sorted(set(table["rows"].values()))
    rows = " to ".join(f"{count:,}" for count in dict.fromkeys((counts[0], counts[-1])))
    yield "Samples", f"{rows} rows of each are compared with test rows"
    yield "Measures", f"{len(table['measures'])}, defined in the appendix"
    if found.decisions:
        levels = listed([f"{level}s" for level in configuration["release"]["levels"]])
        yield "Release gate", f"{listed(list(found.decisions))}; planted {levels}"


def _of_simulation(simulation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    names = listed([policy["name"] for policy in simulation["policies"]])
    number = simulation["seeds"]
    seeds = "one seed" if number == 1 else f"{number} seeds"
    yield "Policies", names
    load = f"load factor {simulation['load_factor']:g}"
    yield "Simulation", f"{seeds} each, {load}, network: {simulation['network']}"
