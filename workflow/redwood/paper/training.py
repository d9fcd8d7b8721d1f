"""The figure of the training: loss on training and validation rows by epoch."""

from collections.abc import Sequence
from pathlib import Path

from redwood.paper.reading import read_csv
from redwood.paper.style import line_styles, save_figure, use_style


def draw_training(folders: Sequence[Path], dpi: int, prefix: Path) -> None:
    """One panel a model.

    Args:
        folders: model folders with a `losses.csv` (epoch, train, validation), each in a folder
            that is named as the model.
        dpi: resolution of the PNG.
        prefix: the files' path without their endings.

    Raises:
        InputError: a file is missing or not of that form.
    """
    use_style()
    from matplotlib import pyplot

    curves = {
        folder.resolve().parent.name: read_csv(
            folder / "losses.csv", ("epoch", "train", "validation")
        )
        for folder in folders
    }
    figure, axes = pyplot.subplots(
        1, len(curves), figsize=(4.6 * len(curves), 3.2), layout="constrained", squeeze=False
    )
    styles = line_styles(curves)
    for axis, (model, frame) in zip(axes[0], curves.items(), strict=True):
        colour = styles[model]["color"]
        axis.plot(frame["epoch"], frame["train"], color=colour, linestyle="--", label="training")
        axis.plot(frame["epoch"], frame["validation"], color=colour, label="validation")
        best = frame.loc[frame["validation"].idxmin()]
        axis.plot(best["epoch"], best["validation"], "o", color=colour, label="kept")
        axis.set_title(model, loc="left")
        axis.set_xlabel("epoch")
        axis.set_ylabel("loss per row")
        axis.legend()
    save_figure(figure, prefix, dpi)
