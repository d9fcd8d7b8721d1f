"""The workflow's rules as far as cost goes: what it grows with, how often each runs, after which.

A table beside the rules themselves, so that a run can be planned before there is anything to make a
DAG from; a test holds it against Snakemake's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

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
    "generator_make": Rule("raw", ()),
    "generator_calibrate": Rule("raw", ("generator_make",)),
    "records_download": Rule("raw", ()),
    "records_retrieve": Rule("raw", ()),
    "records_hash_key": Rule("raw", ()),
    "records_clean_file": Rule(
        "dump",
        ("generator_make", "records_download", "records_retrieve", "records_hash_key"),
        per="dump",
    ),
    "records_gather": Rule("raw", ("records_clean_file",)),
    "records_split": Rule("rows", ("records_gather",)),
    "card": Rule("rows", ("records_gather", "records_split")),
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
            *("generator_make", "records_download", "records_retrieve", "generator_calibrate"),
            *("records_clean_file", "records_gather", "records_split", "card"),
            *("surrogates_train", "surrogates_sample", "evaluate", "release_decide"),
            *("simulation_platform", "simulate", "simulation_outcomes", "table1", "table2"),
            *("figure_distributions", "figure_arrivals", "figure_correlations", "figure_dcr"),
            *("figure_attacks", "figure_grid", "figure_site_load", "figure_transfer_map"),
            "figure_training",
        ),
    ),
}
