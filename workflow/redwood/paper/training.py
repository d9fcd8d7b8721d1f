"""The figure of the training: loss on training and validation rows by epoch."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from redwood.errors import InputError
from redwood.paper.reading import named_folders, read_csv
from redwood.paper.style import (
    PAGE_WIDTH,
    REAL_COLOUR,
    add_legend,
    save_figure,
    use_style,
)

_PANELS_A_LINE = 4
_COLUMNS = ("epoch", "train", "validation")


def draw_training(folders: Sequence[Path], dpi: int, prefix: Path) -> None:
    """One panel a model; the epoch of the least validation loss, the one kept, is marked.

    Args:
        folders: model folders with a `losses.csv` (epoch, train, validation), each in a folder
            that is named as the model.
        dpi: resolution of the PNG.
        prefix: the files' path without their endings.

    Raises:
        InputError: a file is missing or not of that form, or two models have the same name.
    """
    use_style()
    from matplotlib import pyplot

    curves = {model: _read(path) for model, path in _models(folders).items()}
    columns = min(len(curves), _PANELS_A_LINE)
    lines = -(-len(curves) // columns)
    figure, axes = pyplot.subplots(
        lines, columns, figsize=(PAGE_WIDTH, 2.2 * lines), layout="constrained", squeeze=False
    )
    summary = {}
    for axis, (model, frame) in zip(axes.flat, curves.items(), strict=False):
        axis.plot(frame["epoch"], frame["train"], "--", color=REAL_COLOUR)
        axis.plot(frame["epoch"], frame["validation"], color=REAL_COLOUR)
        best = frame.loc[frame["validation"].idxmin()]
        axis.plot(best["epoch"], best["validation"], "o", color=REAL_COLOUR, markersize=4)
        axis.set_title(f"{model}, least at {best['epoch']:.0f}")
        axis.set_xlabel("epoch")
        axis.set_ylabel("loss per row")
        if len(frame) == 1:
            axis.set_xticks(frame["epoch"])
        else:
            axis.xaxis.get_major_locator().set_params(integer=True)
        summary[model] = {"epochs": len(frame), "least_at_epoch": int(best["epoch"])}
    lines_of_all = {
        "training": {"linestyle": "--"},
        "validation": {"linestyle": "-"},
        "least": {"linestyle": "", "marker": "o", "markersize": 4},
    }
    add_legend(figure, {name: {"color": REAL_COLOUR, **s} for name, s in lines_of_all.items()})
    for axis in axes.flat[len(curves) :]:
        axis.set_visible(False)
    save_figure(figure, prefix, dpi, summary)


def _models(folders: Sequence[Path]) -> dict[str, Path]:
    named = named_folders([folder.resolve().parent for folder in folders])
    return dict(zip(named, folders, strict=True))


def _read(folder: Path) -> pd.DataFrame:
    path = folder / "losses.csv"
    frame = read_csv(path, _COLUMNS, numbers=_COLUMNS)
    if frame["validation"].isna().all():
        raise InputError(f"{path}: validation has no value in any epoch")
    return frame
