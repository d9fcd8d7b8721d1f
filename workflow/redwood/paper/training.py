"""The figure of the training: loss on training and validation rows by epoch."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from redwood.errors import InputError
from redwood.paper.reading import named_folders, read_csv
from redwood.paper.style import line_styles, save_figure, use_style

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
    figure, axes = pyplot.subplots(
        1, len(curves), figsize=(4.6 * len(curves), 3.2), layout="constrained", squeeze=False
    )
    styles = line_styles(curves)
    summary = {}
    for axis, (model, frame) in zip(axes[0], curves.items(), strict=True):
        colour = styles[model]["color"]
        axis.plot(frame["epoch"], frame["train"], "--", color=colour, label="training")
        axis.plot(frame["epoch"], frame["validation"], color=colour, label="validation")
        best = frame.loc[frame["validation"].idxmin()]
        label = f"least, epoch {best['epoch']:.0f}"
        axis.plot(best["epoch"], best["validation"], "o", color=colour, markersize=5, label=label)
        axis.set_title(model)
        axis.set_xlabel("epoch")
        axis.set_ylabel("loss per row")
        axis.xaxis.get_major_locator().set_params(integer=True)
        axis.legend()
        summary[model] = {"epochs": len(frame), "least_at_epoch": int(best["epoch"])}
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
