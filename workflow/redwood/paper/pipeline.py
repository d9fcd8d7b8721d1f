"""The figure of the preprocessing: how many rows of the dumps are left after each step, and where
they go.

Raw rows enter on the left. Each step of the cleaning is a bar as long as the rows that it leaves;
what is left at the end is the job table, whose parts stand on the right with what each is for.
"""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.paper.style import PAGE_WIDTH, REAL_COLOUR, REAL_FILL, save_figure, use_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_USES: Final = {
    "train": "models learn from them",
    "validation": "choose the epoch to keep",
    "test": "judge models; run on the simulated grid",
}
# Inches: the three columns, the height of a step, and letters that fit a step's bar.
_RAW, _STEPS, _PARTS = (0.0, 1.2), (1.55, 4.75), (5.1, PAGE_WIDTH)
_LINE, _LETTERS = 0.31, 46


def draw_pipeline(cleaning: Path, split: Path, dpi: int, prefix: Path) -> None:
    """From raw rows through the steps of the cleaning to training, validation and test rows.

    Args:
        cleaning: what `redwood records clean` wrote of it (JSON).
        split: what `redwood records split` wrote of it (JSON).
        dpi: of the PNG.
        prefix: the files' path without their endings.

    Raises:
        InputError: a file is missing or not such an account.
    """
    use_style()
    from matplotlib import pyplot

    facts = _facts(cleaning, split)
    steps = [step for step in facts["steps"] if step["rejected"]]
    height = max(len(steps) + 1, 5) * _LINE + 0.4
    figure = pyplot.figure(figsize=(PAGE_WIDTH, height))
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set(xlim=(0, PAGE_WIDTH), ylim=(0, height))
    axis.axis("off")
    middle = height / 2
    raw = f"raw records\n{facts['input']:,} rows"
    _box(axis, _RAW, (middle - 0.45, middle + 0.45), f"{raw}\n{_files(facts['files'])}")
    _arrow(axis, (_RAW[1], middle), (_STEPS[0], middle))
    _draw_steps(axis, steps, facts["input"], height)
    _draw_parts(axis, facts["parts"], height)
    save_figure(figure, prefix, dpi, facts)


def _facts(cleaning: Path, split: Path) -> dict[str, Any]:
    account = read_json(cleaning, "account of the cleaning")
    parts = read_json(split, "account of the split")
    try:
        return {
            "input": account["rows"]["input"],
            "kept": account["rows"]["kept"],
            "files": len(account["files"]),
            "steps": [
                {key: step[key] for key in ("reason", "description", "rejected", "left")}
                for step in account["steps"]
            ],
            "parts": {name: parts["parts"][name]["rows"] for name in _USES},
        }
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{cleaning}, {split}: not the accounts of cleaning and split: {error}"
        ) from None


def _draw_steps(axis: "Axes", steps: list[dict[str, Any]], rows: int, height: float) -> None:
    left, right = _STEPS
    top = height - 0.3
    axis.text(left, top + 0.06, "rejected, because", fontsize=7, va="bottom")
    axis.text(right, top + 0.06, "rows left", fontsize=7, va="bottom", ha="right")
    for place, step in enumerate(steps):
        y = top - (place + 1) * _LINE
        width = (right - left) * (step["left"] / rows if rows else 0)
        axis.barh(y + _LINE / 2, width, 0.86 * _LINE, left=left, color=REAL_FILL, zorder=1)
        # What follows a colon or stands in brackets are examples.
        reason = step["description"].partition(": ")[0].partition(" (")[0]
        words = textwrap.shorten(f"−{step['rejected']:,}  {reason}", 2 * _LETTERS, placeholder=" …")
        lines = "\n".join(textwrap.wrap(words, _LETTERS))
        axis.text(left + 0.06, y + _LINE / 2, lines, fontsize=7, va="center", linespacing=1.05)
        axis.text(*(right, y + _LINE / 2, f"{step['left']:,}"), fontsize=7, va="center", ha="right")
    y = top - (len(steps) + 0.5) * _LINE
    kept = steps[-1]["left"] if steps else rows
    axis.text(left, y, "the job table", fontsize=7.5, va="center", weight="bold")
    axis.text(right, y, f"{kept:,}", fontsize=7.5, va="center", ha="right", weight="bold")


def _draw_parts(axis: "Axes", parts: dict[str, int], height: float) -> None:
    share = (height - 0.2) / len(parts)
    for place, (name, rows) in enumerate(parts.items()):
        top = height - 0.1 - place * share
        text = f"{name}: {rows:,} rows\n" + "\n".join(textwrap.wrap(_USES[name], 26))
        half = min(share - 0.12, 0.62) / 2
        centre = top - share / 2
        _box(axis, _PARTS, (centre - half, centre + half), text)
        _arrow(axis, (_STEPS[1] + 0.03, height / 2), (_PARTS[0], centre))


def _box(axis: "Axes", across: tuple[float, float], up: tuple[float, float], text: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    box = FancyBboxPatch(
        (across[0] + 0.04, up[0]),
        across[1] - across[0] - 0.08,
        up[1] - up[0],
        boxstyle="round,pad=0.02,rounding_size=0.05",
        facecolor="white",
        edgecolor=REAL_COLOUR,
        linewidth=0.9,
        zorder=3,
    )
    axis.add_patch(box)
    centre = (sum(across) / 2, sum(up) / 2)
    axis.text(*centre, text, ha="center", va="center", fontsize=7.5, zorder=4)


def _arrow(axis: "Axes", start: tuple[float, float], end: tuple[float, float]) -> None:
    style = {"arrowstyle": "-|>", "color": REAL_COLOUR, "linewidth": 0.9, "shrinkA": 2}
    axis.annotate("", end, start, arrowprops=style)


def _files(number: int) -> str:
    return "in one file" if number == 1 else f"in {number:,} files"
