"""Training a model: from a training and a validation table to a model folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from redwood.outliers import sentinels
from redwood.outputs import require_ending, write_json, write_text, writing_folder
from redwood.surrogates.contract import Surrogate, new_surrogate, save_surrogate
from redwood.surrogates.encoding import check_rows
from redwood.tables import TableDescription, read_table


def train_model(
    model: str,
    table: Path,
    train: Path,
    validation: Path,
    output: Path,
    options: Mapping[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Train `model` and write its folder: model, losses, `train.json`, model card.

    The state of a long training is kept in a file beside `output` until the folder is complete.
    After an interruption the same call goes on from there and ends with the same model.

    Args:
        model: name of a folder of `redwood/surrogates/models`.
        table: the table description.
        train: training rows, a table.
        validation: validation rows, a table.
        output: the model folder; what it held before is replaced.
        options: the model's options that differ from their defaults.
        seed: same seed, same model.

    Returns:
        The summary that `train.json` holds; `distinct` has the number of distinct training values
        of each column, `warnings` what did not go as it should.

    Raises:
        InputError: a file, an option or a row cannot be used.
    """
    require_ending(output)
    described = TableDescription.load(table)
    surrogate = new_surrogate(model, described, options, seed)
    description = surrogate.description
    learned = described.with_units() if surrogate.learns_units else description
    frames: list[pd.DataFrame] = []
    warnings: list[str] = []
    for path in (train, validation):
        frame = read_table(path, learned)
        check_rows(frame, description, str(path))
        warnings += [f"{path.name}: {outlier}" for outlier in sentinels(frame, description)]
        frames.append(frame)
    checkpoint = output.with_name(f"{output.name}.checkpoint.safetensors")
    fit = surrogate.fit(frames[0], frames[1], checkpoint)
    if surrogate.losses is not None:
        warnings += _unconverged(surrogate.losses)
    distinct = frames[0][[column.name for column in description.columns]].nunique()
    summary = {
        "model": model,
        "table": description.name,
        "features": [column.name for column in description.columns],
        "seed": seed,
        "options": surrogate.options.model_dump(mode="json"),
        "rows": {"train": len(frames[0]), "validation": len(frames[1])},
        "fit": fit,
        "distinct": {column: int(number) for column, number in distinct.items()},
        "warnings": warnings,
    }
    with writing_folder(output) as folder:
        save_surrogate(surrogate, folder, len(frames[0]))
        if surrogate.losses is not None:
            # Beyond six digits a loss depends on the number of threads.
            surrogate.losses.to_csv(
                folder / "losses.csv", index=False, lineterminator="\n", float_format="%.6g"
            )
        write_json(folder / "train.json", summary)
        write_text(folder / "MODEL_CARD.md", model_card(surrogate, summary))
    checkpoint.unlink(missing_ok=True)
    return summary


def _unconverged(losses: pd.DataFrame) -> list[str]:
    """What is to be said of a training whose best epoch was its last, which may not be the best."""
    if losses["validation"].idxmin() < losses.index[-1]:
        return []
    return [f"the last of {len(losses)} epochs was the best: more of them may do better"]


def model_card(surrogate: Surrogate, summary: Mapping[str, Any]) -> str:
    """The card of a trained model, in Markdown: what it is, what it learned, what it gives away."""
    lines = [
        f"# Model card: {surrogate.name}",
        "",
        surrogate.about,
        "",
        f"* **Learned from** {summary['rows']['train']:,} rows of the table "
        f"`{surrogate.description.name}`; {summary['rows']['validation']:,} rows for validation.",
        f"* **Seed** {surrogate.seed}; **options** "
        + ", ".join(f"{name} = {value}" for name, value in summary["options"].items())
        + ".",
        f"* **Licence.** {surrogate.licence}",
        f"* **Privacy.** {surrogate.privacy}",
        "* **Use.** `redwood surrogates sample FOLDER --rows N --seed S --output FILE.parquet`",
        "",
        "## What it learned",
        "",
        "| column | kind | unit | scale | meaning |",
        "|---|---|---|---|---|",
    ]
    for column in surrogate.description.columns:
        cells = (column.name, column.kind, column.unit or "", column.scale, column.meaning)
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "## The fit", ""]
    lines += [f"* {name}: {value}" for name, value in summary["fit"].items()]
    lines += [f"* **Mind:** {warning}" for warning in summary["warnings"]]
    return "\n".join(lines) + "\n"
