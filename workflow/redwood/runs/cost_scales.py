"""What the cost of each rule's jobs grows with.

The table stands beside the rules because costs are fitted and looked up by it; a test holds it
against the rules' names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

Scale = Literal["raw", "dump", "rows", "train", "sampled", "compared"]


@dataclass(frozen=True)
class CostScale:
    """What the cost of a rule's jobs depends on.

    Attributes:
        rows: the rows that time and memory grow with, a field of `RowCounts`.
        times: what its time, not its memory, grows with besides.
        variants: whether each model or policy has a cost of its own.
        gpu: whether it uses a GPU for the models that do.
        like: the rule whose measured cost it has.
    """

    rows: Scale
    times: Literal["", "epochs", "seeds"] = ""
    variants: bool = False
    gpu: bool = False
    like: str = ""


_TRAINING = CostScale("train", "epochs", variants=True, gpu=True)
_SAMPLING = CostScale("sampled", variants=True, gpu=True)
_FROM_SAMPLES = CostScale("sampled")

COST_SCALES: Mapping[str, CostScale] = {
    "generator_make": CostScale("raw"),
    "generator_calibrate": CostScale("raw"),
    "records_download": CostScale("raw"),
    "records_retrieve": CostScale("raw"),
    "records_hash_key": CostScale("raw"),
    "records_clean_file": CostScale("dump"),
    "records_gather": CostScale("raw"),
    "records_split": CostScale("rows"),
    "card": CostScale("rows"),
    "surrogates_train": _TRAINING,
    "surrogates_sample": _SAMPLING,
    "surrogates_score": CostScale("train", variants=True, gpu=True),
    "evaluation_floors": CostScale("compared", like="evaluate"),
    "evaluation_realisations": CostScale("raw"),
    "evaluation_exact_law": CostScale("compared", like="evaluate"),
    "evaluation_other_floors": CostScale("compared"),
    "evaluate": CostScale("compared"),
    "release_plant": CostScale("train"),
    "release_train": replace(_TRAINING, like="surrogates_train"),
    "release_sample": replace(_SAMPLING, like="surrogates_sample"),
    "release_audit": CostScale("compared"),
    "release_decide": _FROM_SAMPLES,
    "simulation_platform": CostScale("rows"),
    "simulate": CostScale("sampled", "seeds", variants=True),
    "simulate_elsewhere": CostScale("sampled"),
    "simulation_engines": replace(_FROM_SAMPLES, like="simulation_outcomes"),
    "simulation_outcomes": _FROM_SAMPLES,
    "simulation_page": _FROM_SAMPLES,
    "table1": _FROM_SAMPLES,
    "table2": _FROM_SAMPLES,
    "figure_distributions": _FROM_SAMPLES,
    "figure_arrivals": _FROM_SAMPLES,
    "figure_correlations": _FROM_SAMPLES,
    "figure_dcr": _FROM_SAMPLES,
    "figure_attacks": _FROM_SAMPLES,
    "figure_found_shares": _FROM_SAMPLES,
    "figure_grid": _FROM_SAMPLES,
    "figure_site_load": _FROM_SAMPLES,
    "figure_transfer_map": _FROM_SAMPLES,
    "figure_training": _FROM_SAMPLES,
    "figure_ranks": _FROM_SAMPLES,
    "figure_pipeline": _FROM_SAMPLES,
    "figure_tradeoff": _FROM_SAMPLES,
    "manifest": CostScale("rows"),
    "paper": _FROM_SAMPLES,
    "report_page": _FROM_SAMPLES,
    "documentation": replace(_FROM_SAMPLES, like="report_page"),
}
