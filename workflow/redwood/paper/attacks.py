"""The figure of the membership attacks: what each finds of the training rows, and at what price.

Both axes are logarithmic: what an attacker is sure of is at the beginning of the curve (N. Carlini
et al., Membership Inference Attacks From First Principles, arXiv 2112.03570, figure 1).
"""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.paper.evaluations import Evaluated, read_evaluation
from redwood.paper.reading import named_folders, read_parquet
from redwood.paper.style import (
    PAGE_WIDTH,
    REAL_FILL,
    lines_of_panels,
    panels,
    save_figure,
    use_style,
)

_LEAST = 1e-4
_IN_A_LINE = 5
# An attack has its colour and dash in all panels.
_STYLES = (("#0072B2", "-"), ("#D55E00", (0, (5, 1.5))), ("#332288", (0, (1.2, 1.2))))
_RATES = (0.001, 0.01)


def draw_attacks(evaluations: Sequence[Path], dpi: int, prefix: Path) -> None:
    """The ROC curves of the attacks, a panel a model, of all models of which they were tried.

    Args: as `redwood.paper.correlations.draw_correlations`.

    Raises:
        InputError: an evaluation is missing, or none has an attack.
    """
    use_style()
    from matplotlib import pyplot

    folders = named_folders(evaluations)
    evaluated = {model: read_evaluation(folder) for model, folder in folders.items()}
    curves = _curves(folders, evaluated)
    if not curves:
        raise InputError(
            f"{', '.join(map(str, evaluations))}: no membership attack: evaluation.measures needs "
            "one, such as attack_distance"
        )
    models = list(dict.fromkeys(model for of_attack in curves.values() for model in of_attack))
    attackers = {
        name: measure["attacker"]
        for one in evaluated.values()
        for name, measure in one.measures.items()
        if name in curves
    }
    height = 1.4 * lines_of_panels(len(models), _IN_A_LINE) + 0.7
    figure = pyplot.figure(figsize=(PAGE_WIDTH, height), layout="constrained")
    axes = panels(figure, len(models), _IN_A_LINE, sharey=True)
    drawn = {}
    for axis, model in zip(axes, models, strict=True):
        axis.fill_between([_LEAST, 1], [_LEAST, 1], _LEAST, color=REAL_FILL, linewidth=0)
        for rate in _RATES:
            axis.axvline(rate, color="#c9c9c9", linewidth=0.7)
        for (attack, of_attack), (colour, dash) in zip(curves.items(), cycle(_STYLES)):
            if (curve := of_attack.get(model)) is None:
                continue
            seen = curve["false_positive_rate"] >= _LEAST
            found = np.maximum(curve["true_positive_rate"], _LEAST)
            (drawn[attack],) = axis.plot(
                curve.loc[seen, "false_positive_rate"], found[seen], color=colour, linestyle=dash
            )
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlim(_LEAST, 1)
        axis.set_ylim(_LEAST, 1.05)
        axis.set_xticks([1e-4, 1e-2, 1], ["0.01 %", "1 %", "100 %"])
        axis.set_yticks([1e-4, 1e-2, 1], ["0.01 %", "1 %", "100 %"])
        axis.minorticks_off()
        axis.set_title(model)
    figure.supxlabel("unseen rows taken for training rows (false alarms)", fontsize=7.5)
    figure.supylabel("training rows found", fontsize=7.5)
    labels = [f"{_short(attack)}: {attackers[attack]}" for attack in drawn]
    figure.legend(drawn.values(), labels, loc="outside upper center", ncols=len(labels))
    summary = {
        _short(attack): {model: _at_rates(curve) for model, curve in of_attack.items()}
        for attack, of_attack in curves.items()
    }
    save_figure(figure, prefix, dpi, summary)


def _curves(
    folders: Mapping[str, Path], evaluated: Mapping[str, Evaluated]
) -> dict[str, dict[str, pd.DataFrame]]:
    """Attack → model → its curve, where the attack was possible."""
    columns = ("false_positive_rate", "true_positive_rate")
    found: dict[str, dict[str, pd.DataFrame]] = {}
    for model, one in evaluated.items():
        for name, measure in one.measures.items():
            if measure.get("attacker") and measure["value"] is not None:
                path = folders[model] / f"roc_{_short(name)}.parquet"
                curve = read_parquet(path, "evaluation", columns, "the evaluation is incomplete")
                found.setdefault(name, {})[model] = curve
    return found


def _short(attack: str) -> str:
    """An attack as its file and its panel are called."""
    return attack.removeprefix("attack_")


def _at_rates(curve: pd.DataFrame) -> dict[str, float]:
    """The true-positive rates at the marked false-positive rates, between points in a line."""
    rates = np.interp(_RATES, curve["false_positive_rate"], curve["true_positive_rate"])
    return {f"{rate:g}": float(found) for rate, found in zip(_RATES, rates, strict=True)}
