"""What a surrogate is: a generative model of a table, learned from rows, that draws new ones.

A model is one folder of `redwood/surrogates/models`, named as the model, with two modules:

* `options.py` says what the model is. The Snakefile reads it, so it imports nothing heavy:
    * `ROLE: Literal["model", "control"]`: a model, or a control that measures are tried on;
    * `FLOOR = True`, in a control only: its rows are real rows, so outcomes of it are a floor;
    * `USES_GPU: bool`: whether training gains from a GPU, which a scheduler then asks for;
    * `RELEASED = True`, if the release gate decides on its samples without being told to;
    * `HAS_DENSITY: bool`: whether the model can say how likely a row is (`log_density`);
    * `class Options(Section)`: its options, described and bounded;
* `surrogate.py` has `class Surrogate(contract.Surrogate)`, the model itself.

Being there registers it. A trained model is a folder with everything that sampling needs:
`model.json` beside the model's own files, which are safetensors, parquet or JSON, never pickles.
"""

import importlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import pandas as pd
from pydantic import BaseModel, ValidationError

from redwood import plugins
from redwood.errors import InputError
from redwood.inputs import require_intact
from redwood.outputs import write_json
from redwood.tables import Column, TableDescription
from redwood.validation import problems

MODELS = "redwood.surrogates.models"

# The layout of a model folder; one more whenever an older folder can no longer be read.
FORMAT = 2


class Surrogate(ABC):
    """A generative model of the features of a table.

    Attributes:
        about: one line that says what the model is, for its card.
        licence: what the model's engine is licensed under, for its card.
        learns_units: whether the model learns whose rows are whose. Then the rows that it is
            trained on have the columns of `units` beside the features, some without a value.
        description: the features that the model learns; auxiliary columns are left out.
        units: the columns of the table that name units (users, tasks), the widest first.
        options: the model's own `Options`.
        seed: seed of the training.
        losses: one row an epoch (`epoch`, `train`, `validation`), `None` for models without a loss.
        rows: number of rows that the model was trained on; 0 before.
    """

    about: ClassVar[str]
    licence: ClassVar[str]
    learns_units: ClassVar[bool] = False

    def __init__(self, description: TableDescription, options: BaseModel, seed: int) -> None:
        self.description = description.only_features()
        self.units = description.units
        self.options = options
        self.seed = seed
        self.losses: pd.DataFrame | None = None
        self.rows = 0

    @property
    def name(self) -> str:
        """The model's name, which is its folder's. It seeds what the model draws."""
        return type(self).__module__.split(".")[-2]

    @property
    def role(self) -> str:
        """`model` or `control`, as the model's options.py says."""
        return str(plugins.load(MODELS, self.name).ROLE)

    @property
    @abstractmethod
    def privacy(self) -> str:
        """What the model's folder and samples give away of the training rows, for its card."""

    @abstractmethod
    def fit(
        self, train: pd.DataFrame, validation: pd.DataFrame, checkpoint: Path | None = None
    ) -> dict[str, Any]:
        """Learn from the rows of `train`; `validation` may steer when to stop.

        Args:
            train: the features of one row or more, without missing values; beside them the units of
                each, if the model learns them.
            validation: other rows of the same law.
            checkpoint: file that a long training writes its state to, and goes on from if it is
                there; `None` for none. Whoever passes it removes it.

        Returns:
            What a reader should know of the fit (rows used, rows left out, epochs), ready for JSON.

        Raises:
            InputError: the rows cannot be learned, or an engine is not installed.
        """

    @abstractmethod
    def sample(self, n: int, seed: int, given: Mapping[str, str] | None = None) -> pd.DataFrame:
        """Draw `n` rows: the features, with the types, supports and units of the training rows.

        The rows are exchangeable: their order carries nothing. Same seed, same rows.

        Args:
            n: number of rows, at least 1.
            seed: seed of the draw.
            given: column → value that all rows are to have.

        Raises:
            InputError: the model cannot condition on `given`.
        """

    def log_density(self, frame: pd.DataFrame) -> np.ndarray:
        """ln p of each row, (rows,) float64, on scales that the model states; −∞ if impossible.

        Args:
            frame: rows with the features.

        Raises:
            InputError: the model has no density.
        """
        raise InputError(f"{self.name}: has no density: it can only draw rows")

    def expected_rows(self, given: Mapping[str, str] | None = None) -> int:
        """How many such rows there are in as much time as the training rows span.

        Raises:
            InputError: the model cannot condition on `given`.
        """
        self.refuse_condition(given)
        return self.rows

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the model's own files into an existing folder."""

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Read what `save` wrote, in place of `fit`."""

    def refuse_condition(self, given: Mapping[str, str] | None) -> None:
        """For models without conditional sampling: raise an InputError unless `given` is empty."""
        for column, value in (given or {}).items():
            raise InputError(
                f"{self.name}: cannot sample given {column}={value}; "
                "the model learns the joint distribution only"
            )


def new_surrogate(
    model: str, description: TableDescription, options: Mapping[str, Any], seed: int
) -> Surrogate:
    """An untrained model of the kind that the plug-in `model` defines.

    Args:
        description: the whole table.

    Raises:
        InputError: there is no such model, an option is wrong, or the table has no feature.
    """
    plugin = plugins.load(MODELS, model)
    if not description.features:
        raise InputError(f"table {description.name!r}: has no feature to learn")
    try:
        checked = plugin.Options.model_validate(options)
    except ValidationError as error:
        found = "; ".join(problems(error, plugin.Options, "options"))
        raise InputError(f"{model}: {found}") from None
    surrogate = importlib.import_module(f"{MODELS}.{model}.surrogate")
    return cast(Surrogate, surrogate.Surrogate(description, checked, seed))


def save_surrogate(surrogate: Surrogate, folder: Path, rows: int) -> None:
    """Write a trained model into an existing folder: its own files and `model.json`.

    Args:
        rows: number of rows it was trained on.
    """
    surrogate.save(folder)
    write_json(
        folder / "model.json",
        {
            "format": FORMAT,
            "model": surrogate.name,
            "role": surrogate.role,
            "options": surrogate.options.model_dump(mode="json"),
            "seed": surrogate.seed,
            "rows": rows,
            "table": {
                "name": surrogate.description.name,
                "columns": [asdict(column) for column in surrogate.description.columns],
            },
        },
    )


def load_surrogate(folder: Path) -> Surrogate:
    """The trained model in `folder`, as `save_surrogate` wrote it.

    Raises:
        InputError: `folder` is no model folder, is damaged, or one that this version cannot read.
    """
    require_intact(folder)
    path = folder / "model.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{folder}: not a model folder: it has no model.json") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a model description in JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else None
        raise InputError(f"{path}: format is {found!r}, expected {FORMAT}: train the model again")
    try:
        table = content["table"]
        description = TableDescription(
            table["name"], tuple(Column(**column) for column in table["columns"])
        )
        rows = int(content["rows"])
        surrogate = new_surrogate(
            content["model"], description, content["options"], content["seed"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"{path}: incomplete: {error}; train the model again") from None
    surrogate.rows = rows
    surrogate.load(folder)
    return surrogate
