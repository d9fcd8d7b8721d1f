"""The workflow's rules as far as cost goes: what it grows with, how often each runs, after which.

A table beside the rules themselves, so that a run can be planned before there is anything to make a
DAG from; a test holds it against Snakemake's own.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from redwood import plugins
from redwood.cluster.sizes import Sizes
from redwood.configuration import Configuration

Scale = Literal["raw", "dump", "rows", "train", "sampled", "compared"]


@dataclass(frozen=True)
class Rule:
    """What a rule's cost depends on.

    Attributes:
        scale: the rows that time and memory grow with.
        after: the rules whose results it reads.
        per: what it runs once for.
        repeats: what its time, not its memory, grows with besides.
        variants: whether each model or policy has a cost of its own.
        threads: cores of a job.
        gpu: whether it uses a GPU for the models that do.
        like: the rule whose measured cost it has.
    """

    scale: Scale
    after: tuple[str, ...]
    per: Literal["once", "dump", "model", "density", "released", "run"] = "once"
    repeats: Literal["", "epochs", "seeds"] = ""
    variants: bool = False
    threads: int = 1
    gpu: bool = False
    like: str = ""


_EVALUATED = ("evaluate",)
_SAMPLES = ("records_split", "surrogates_sample")
_RUNS = ("simulate",)

RULES: Mapping[str, Rule] = {
    "records_generate": Rule("raw", ()),
    "records_calibrate": Rule("raw", ("records_generate",)),
    "records_download": Rule("raw", ()),
    "records_retrieve": Rule("raw", ()),
    "records_hash_key": Rule("raw", ()),
    "records_clean_file": Rule(
        "dump",
        ("records_generate", "records_download", "records_retrieve", "records_hash_key"),
        per="dump",
    ),
    "records_gather": Rule("raw", ("records_clean_file",)),
    "records_split": Rule("rows", ("records_gather",)),
    "records_card": Rule("rows", ("records_gather", "records_split")),
    "surrogates_train": Rule(
        "train",
        ("records_gather", "records_split"),
        per="model",
        repeats="epochs",
        variants=True,
        threads=2,
        gpu=True,
    ),
    "surrogates_sample": Rule(
        "sampled",
        ("records_split", "surrogates_train"),
        per="model",
        variants=True,
        threads=2,
        gpu=True,
    ),
    "surrogates_score": Rule(
        "train",
        ("records_split", "surrogates_train"),
        per="density",
        variants=True,
        threads=2,
        gpu=True,
    ),
    "evaluate": Rule(
        "compared",
        ("records_gather", "records_split", "surrogates_sample", "surrogates_score"),
        per="model",
    ),
    "release_plant": Rule("train", ("records_gather", "records_split")),
    "release_train": Rule(
        "train",
        ("records_gather", "records_split", "release_plant"),
        per="released",
        repeats="epochs",
        variants=True,
        threads=2,
        gpu=True,
        like="surrogates_train",
    ),
    "release_sample": Rule(
        "sampled",
        ("records_split", "release_train"),
        per="released",
        variants=True,
        threads=2,
        gpu=True,
        like="surrogates_sample",
    ),
    "release_audit": Rule(
        "compared",
        ("records_gather", "records_split", "release_plant", "release_sample"),
        per="released",
    ),
    "release_decide": Rule(
        "sampled",
        ("records_gather", "surrogates_sample", "evaluate", "release_audit"),
        per="released",
    ),
    "simulation_platform": Rule("rows", ("records_gather", "records_split")),
    "simulate": Rule(
        "sampled",
        ("records_gather", "simulation_platform", *_SAMPLES),
        per="run",
        repeats="seeds",
        variants=True,
    ),
    "simulation_outcomes": Rule("sampled", _RUNS),
    "table1": Rule("sampled", (*_EVALUATED, "release_decide", "simulation_outcomes")),
    "table2": Rule("sampled", ("simulation_outcomes",)),
    "figure_distributions": Rule("sampled", ("records_gather", *_SAMPLES)),
    "figure_arrivals": Rule("sampled", ("records_gather", *_SAMPLES)),
    "figure_correlations": Rule("sampled", _EVALUATED),
    "figure_dcr": Rule("sampled", _EVALUATED),
    "figure_attacks": Rule("sampled", _EVALUATED),
    "figure_grid": Rule("sampled", _RUNS),
    "figure_site_load": Rule("sampled", _RUNS),
    "figure_transfer_map": Rule("sampled", _RUNS),
    "figure_training": Rule("sampled", ("surrogates_train",)),
    "manifest": Rule(
        "rows",
        (
            *("records_generate", "records_download", "records_retrieve", "records_calibrate"),
            *("records_clean_file", "records_gather", "records_split", "records_card"),
            *("surrogates_train", "surrogates_sample", "evaluate", "release_decide"),
            *("simulation_platform", "simulate", "simulation_outcomes", "table1", "table2"),
            *("figure_distributions", "figure_arrivals", "figure_correlations", "figure_dcr"),
            *("figure_attacks", "figure_grid", "figure_site_load", "figure_transfer_map"),
            "figure_training",
        ),
    ),
}


@dataclass(frozen=True)
class Model:
    """What the cost of a model depends on: passes over its rows, GPU or not, densities or not."""

    epochs: int
    uses_gpu: bool
    density: bool


def models_of(configuration: Configuration) -> dict[str, Model]:
    """The models of a run, by name."""
    from redwood.surrogates.contract import has_density

    found = {}
    for name in configuration.surrogates.models:
        plugin = plugins.load("redwood.surrogates.models", name)
        options = plugin.Options(**configuration.surrogates.options.get(name, {}))
        found[name] = Model(getattr(options, "epochs", 1), plugin.USES_GPU, has_density(plugin))
    return found


@dataclass(frozen=True)
class Job:
    """A job as far as its cost goes.

    Attributes:
        rule: the rule.
        variant: the model or policy, where that matters; otherwise empty.
        work: what its time grows with: rows, times epochs or seeds.
        rows: what its memory grows with.
        gpu: whether it can use a GPU.
    """

    rule: str
    variant: str
    work: float
    rows: int
    gpu: bool


def job(
    rule: str,
    what: str,
    configuration: Configuration,
    sizes: Sizes,
    models: Mapping[str, Model],
) -> Job:
    """The job of `rule` for `what`: a model, a policy, or nothing in particular."""
    entry = RULES[rule]
    model = models.get(what)
    times = {
        "": 1,
        "epochs": model.epochs if model else 1,
        "seeds": configuration.simulation.seeds,
    }[entry.repeats]
    rows = getattr(sizes, entry.scale)
    gpu = entry.gpu and model is not None and model.uses_gpu
    return Job(rule, what if entry.variants else "", rows * times, rows, gpu)


def job_counts(
    rule: str, configuration: Configuration, sizes: Sizes, models: Mapping[str, Model]
) -> dict[str, int]:
    """How many jobs a rule has in a whole run from nothing, by what they are for."""
    source, measures = configuration.records.source, configuration.evaluation.measures
    asked = {
        "records_generate": source.generate is not None,
        "records_calibrate": source.generate is not None,
        "records_download": source.bigpanda is not None,
        "records_retrieve": source.retrieve is not None
        and not any(Path(file).exists() for file in source.files),
        "records_hash_key": source.generate is None
        and not configuration.records.cleaning.pseudonymous
        and "REDWOOD_HASH_KEY" not in os.environ,
        "release_plant": bool(configuration.released_models),
        "figure_attacks": any(name.startswith("attack_") for name in measures),
        "figure_training": any(model.uses_gpu for model in models.values()),
    }
    if not asked.get(rule, True):
        return {}
    scored = "attack_likelihood" in measures
    policies = configuration.simulation.labels
    return {
        "once": {"": 1},
        "dump": {"": sizes.dumps},
        "model": dict.fromkeys(models, 1),
        "density": {name: 1 for name, model in models.items() if model.density and scored},
        "released": dict.fromkeys(configuration.released_models, 1),
        "run": dict.fromkeys(policies, 1 + len(models)),
    }[RULES[rule].per]
