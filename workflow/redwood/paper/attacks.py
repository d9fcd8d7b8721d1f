"""The figure of the membership attacks: what each finds of the training rows, and at what price.

Both axes are logarithmic: what an attacker is sure of is at the beginning of the curve (N. Carlini
et al., Membership Inference Attacks From First Principles, arXiv 2112.03570, figure 1).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.paper.evaluations import Evaluated, controls_of, read_evaluation
from redwood.paper.reading import named_folders, read_parquet
from redwood.paper.style import PAGE_WIDTH, add_legend, line_styles, save_figure, use_style

_LEAST = 1e-4
_RATES = (0.001, 0.01)


def draw_attacks(evaluations: Sequence[Path], dpi: int, prefix: Path) -> None:
    """The ROC curves of the attacks, a panel each, of all models of which they were tried.

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
    drawn = {model for of_attack in curves.values() for model in of_attack}
    styles = {
        model: style
        for model, style in line_styles(evaluated, controls_of(evaluated)).items()
        if model in drawn
    }
    attackers = {
        name: measure["attacker"]
        for one in evaluated.values()
        for name, measure in one.measures.items()
        if name in curves
    }
    figure, axes = pyplot.subplots(
        1,
        len(curves),
        figsize=(PAGE_WIDTH, 3.2),
        layout="constrained",
        sharey=True,
        squeeze=False,
    )
    for axis, (attack, of_attack) in zip(axes[0], curves.items(), strict=True):
        axis.plot([_LEAST, 1], [_LEAST, 1], color="#9a9a9a", linewidth=0.9, linestyle=":")
        for rate in _RATES:
            axis.axvline(rate, color="#c9c9c9", linewidth=0.7)
        for model, curve in of_attack.items():
            seen = curve["false_positive_rate"] >= _LEAST
            found = np.maximum(curve["true_positive_rate"], _LEAST)
            axis.plot(curve.loc[seen, "false_positive_rate"], found[seen], **styles[model])
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.set_xlim(_LEAST, 1)
        axis.set_ylim(_LEAST, 1.05)
        axis.set_aspect("equal")
        axis.set_title(f"{_short(attack)}: {attackers[attack]}")
        axis.set_xlabel("unseen rows taken for training rows")
    axes[0][0].set_ylabel("training rows found")
    add_legend(figure, styles)
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
