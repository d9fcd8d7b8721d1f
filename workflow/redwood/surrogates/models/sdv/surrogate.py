"""SDV's synthesizers of single tables: GaussianCopula, CTGAN, TVAE and CopulaGAN.

Source: Patki, Wedge, Veeramachaneni, "The Synthetic Data Vault", DSAA 2016; Xu et al.,
arXiv 1907.00503 (CTGAN, TVAE). SDV encodes the columns, trains and draws, with its own defaults.
What is done here around it:

* Its metadata is written from the table's description. Metadata that SDV detects holds values.
* Categories go in as codes, times as nanoseconds: SDV 2.0 takes microseconds for nanoseconds, and
  draws times of January 1970.
* Constant columns are left out and come back as they were.
* All random numbers come from the seed of the training or of the sample. GaussianCopula needs none
  in training: SDV fixes the seed of its encoding by the first rows.
* The folder holds JSON and safetensors in place of SDV's pickle (`state.py`).
"""

import inspect
import json
import random
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from redwood.errors import InputError
from redwood.extras import missing
from redwood.outputs import write_json
from redwood.seeds import derive_seed
from redwood.surrogates import contract
from redwood.surrogates.encoding import TableEncoding
from redwood.surrogates.models.sdv.options import Options
from redwood.surrogates.models.sdv.state import pack, unpack
from redwood.surrogates.training_loop import sensible_threads
from redwood.tables import from_numbers

try:
    from sdv import single_table
    from sdv.errors import InvalidDataError, SynthesizerInputError
    from sdv.metadata import Metadata
except ModuleNotFoundError as error:
    raise InputError(
        f"{missing(str(error.name), 'sdv')}; with ./run, leave out REDWOOD_WITHOUT_SDV; to do "
        "without, leave sdv out of surrogates.models"
    ) from None

_ENCODING_FILE = "encoding.json"
_STATE_FILE = "synthesizer.json"
_ARRAYS_FILE = "synthesizer.safetensors"

# What the state of a synthesizer depends on, which SDV does not keep stable.
_PACKAGES = ("sdv", "rdt", "copulas", "ctgan")

# What SDV calls the kinds of columns.
_KINDS = {"numeric": "numerical", "integer": "numerical", "timestamp": "datetime"}

# Arguments of the synthesizers that are not for the user: the model sets them itself.
_OWN_ARGUMENTS = {"metadata", "locales", "epochs", "enable_gpu", "verbose"}

# The parts of SDV's data processor that fitting fills in.
_PROCESSOR_PARTS = ("_hyper_transformer", "formatters", "_dtypes", "fitted")

# The parts of a synthesizer that fitting fills in; the second is CopulaGAN's.
_MODEL_PARTS = ("_model", "_gaussian_normalizer_hyper_transformer")

_TABLE = "table"


class Surrogate(contract.Surrogate):
    """A synthesizer of SDV on the features of a table."""

    about = (
        "A synthesizer of the Synthetic Data Vault (SDV), trained by SDV with its defaults; which "
        "one the options say."
    )
    licence = (
        "Training and sampling run sdv, rdt, ctgan and copulas, which are licensed under BUSL-1.1: "
        "no commercial service that gives others their functions. This folder has no code of them."
    )
    privacy = (
        "The folder has no training rows, but the smallest and largest value of each numeric "
        "column, every category and how frequent it is. No guarantee such as differential privacy "
        "is given."
    )
    options: Options

    def fit(
        self, train: pd.DataFrame, validation: pd.DataFrame, checkpoint: Path | None = None
    ) -> dict[str, Any]:
        """Let SDV learn from `train`. It has no validation, and a training cannot be resumed."""
        self._encoding = TableEncoding.fit(train, self.description)
        if not (self._encoding.varying_numeric or self._encoding.varying_categorical):
            raise InputError(f"sdv: every feature of table {self.description.name!r} is constant")
        synthesizer = self._new_synthesizer()
        kind = self.options.synthesizer
        print(f"sdv: training {kind}; a training that is cut off starts over", file=sys.stderr)
        with _seeded(derive_seed(self.seed, "sdv", "fit")), _as_input_error(kind):
            synthesizer.fit({_TABLE: self._to_sdv(train)})
        self._synthesizer = synthesizer
        # Now, since drawing changes it: CTGAN's normalisations count the batches they see.
        self._kept = pack(_parts_of(synthesizer))
        return {
            "synthesizer": kind,
            "epochs": self.options.epochs,
            "versions": _versions(),
            "rows_used": len(train),
        }

    def sample(self, n: int, seed: int, given: Mapping[str, str] | None = None) -> pd.DataFrame:
        self.refuse_condition(given)
        seed = derive_seed(seed, "sdv", "sample")
        with _seeded(seed), torch.inference_mode():
            # Without the second, SDV draws the same rows each time, from a seed of its own.
            self._synthesizer.reset_sampling()
            self._synthesizer._set_random_state(seed)
            sample = self._synthesizer.sample(n)[_TABLE]
        return self._from_sdv(sample)

    def save(self, folder: Path) -> None:
        state, arrays = self._kept
        write_json(folder / _ENCODING_FILE, self._encoding.to_json())
        write_json(folder / _STATE_FILE, {"versions": _versions(), "state": state})
        (folder / _ARRAYS_FILE).write_bytes(save(arrays))

    def load(self, folder: Path) -> None:
        try:
            encoding = json.loads((folder / _ENCODING_FILE).read_text(encoding="utf-8"))
            content = json.loads((folder / _STATE_FILE).read_text(encoding="utf-8"))
            if content["versions"] != _versions():
                raise InputError(
                    f"{folder}: made with {_in_words(content['versions'])}, here are "
                    f"{_in_words(_versions())}, which may read it differently: install those, or "
                    "train the model again"
                )
            self._encoding = TableEncoding.from_json(encoding, self.description)
            self._kept = content["state"], load_file(folder / _ARRAYS_FILE)
            parts = unpack(*self._kept)
            synthesizer = self._new_synthesizer()
            for part in _PROCESSOR_PARTS:
                setattr(synthesizer._data_processor, part, parts["processor"][part])
            for part in _MODEL_PARTS:
                setattr(synthesizer, part, parts["model"][part])
        except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
            raise InputError(f"{folder}: not a complete sdv model: {error}") from None
        synthesizer._fitted = True
        self._synthesizer = synthesizer

    def _new_synthesizer(self) -> Any:
        """An untrained synthesizer with the metadata of the columns that vary."""
        kind = getattr(single_table, f"{self.options.synthesizer}Synthesizer")
        accepted = inspect.signature(kind).parameters
        allowed = [name for name in accepted if name not in _OWN_ARGUMENTS]
        for name, value in self.options.arguments.items():
            if name not in allowed:
                raise InputError(
                    f"sdv: options.arguments has {name!r}, expected some of "
                    f"{', '.join(allowed)} for {self.options.synthesizer}"
                )
            if "gaussian_kde" in (value, *(value.values() if isinstance(value, dict) else ())):
                raise InputError(
                    f"sdv: options.arguments.{name} is {value!r}: gaussian_kde keeps the training "
                    "rows in the model; expected another distribution"
                )
        own = {
            "epochs": self.options.epochs,
            "enable_gpu": False,
            "verbose": sys.stderr.isatty(),
        }
        columns = {
            e.column: {"sdtype": _KINDS[self.description[e.column].kind]}
            for e in self._encoding.varying_numeric
        }
        columns |= {e.column: {"sdtype": "categorical"} for e in self._encoding.varying_categorical}
        ordered = {c.name: columns[c.name] for c in self.description.columns if c.name in columns}
        with _quiet(), _as_input_error(self.options.synthesizer):
            metadata = Metadata.load_from_dict({"tables": {_TABLE: {"columns": ordered}}})
            return kind(
                metadata,
                **{name: value for name, value in own.items() if name in accepted},
                **self.options.arguments,
            )

    def _to_sdv(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The varying columns as SDV takes them: times in nanoseconds, categories as codes."""
        columns: dict[str, Any] = {}
        for encoding in self._encoding.varying_numeric:
            values = frame[encoding.column].reset_index(drop=True)
            if self.description[encoding.column].kind == "timestamp":
                values = values.dt.tz_localize(None).astype("datetime64[ns]")
            columns[encoding.column] = values
        for categories in self._encoding.varying_categorical:
            codes = categories.encode(frame[categories.column])
            columns[categories.column] = np.array([f"c{code}" for code in codes], dtype=object)
        return pd.DataFrame(
            {c.name: columns[c.name] for c in self.description.columns if c.name in columns}
        )

    def _from_sdv(self, sample: pd.DataFrame) -> pd.DataFrame:
        """The inverse of `_to_sdv`, in the columns' own types; constant columns as they were."""
        columns: dict[str, pd.Series] = {}
        for encoding in self._encoding.numeric:
            column = self.description[encoding.column]
            if encoding.is_constant:
                numbers = np.full(len(sample), encoding.low)
            elif column.kind == "timestamp":
                seconds = sample[column.name].astype("datetime64[us]").astype("int64") / 1e6
                numbers = encoding.on_grid(seconds.to_numpy())
            else:
                numbers = sample[column.name].to_numpy()
            columns[column.name] = from_numbers(np.asarray(numbers), column)
        for categories in self._encoding.categorical:
            codes = np.zeros(len(sample), np.int64)
            if not categories.is_constant:
                texts = sample[categories.column].astype(object)
                codes = np.array([int(text[1:]) for text in texts], dtype=np.int64)
            columns[categories.column] = categories.decode(codes)
        return pd.DataFrame({c.name: columns[c.name] for c in self.description.columns})


def _parts_of(synthesizer: Any) -> dict[str, dict[str, Any]]:
    """What fitting has filled in, in an order that does not depend on hashes of names."""
    processor = synthesizer._data_processor
    hyper = processor._hyper_transformer
    for name in ("field_sdtypes", "field_transformers"):
        by_field = getattr(hyper, name)
        setattr(hyper, name, {field: by_field[field] for field in hyper._input_columns})
    return {
        "processor": {part: getattr(processor, part) for part in _PROCESSOR_PARTS},
        "model": {part: getattr(synthesizer, part, None) for part in _MODEL_PARTS},
    }


def _versions() -> dict[str, str]:
    return {package: version(package) for package in _PACKAGES}


def _in_words(versions: Mapping[str, str]) -> str:
    return ", ".join(f"{package} {number}" for package, number in versions.items())


@contextmanager
def _quiet() -> Iterator[None]:
    """Without SDV's advice to its users; what it prints goes to the log."""
    with warnings.catch_warnings(), redirect_stdout(sys.stderr):
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Let every random number come from `seed`; afterwards the former states are back.

    SDV draws from the global states of Python, NumPy and PyTorch. It would also encode columns in
    as many processes as there are cores; here it does so one after another.
    """
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
    try:
        with (
            torch.random.fork_rng(devices=[]),
            joblib.parallel_config(backend="sequential"),
            sensible_threads(),
            _quiet(),
        ):
            random.seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            torch.default_generator.manual_seed(seed)
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002


@contextmanager
def _as_input_error(kind: str) -> Iterator[None]:
    """What SDV says of data or arguments that it cannot use, as an InputError."""
    try:
        yield
    except (
        InvalidDataError,
        SynthesizerInputError,
        ValueError,
        TypeError,
        AssertionError,
    ) as error:
        reason = " ".join(str(error).split()) or "it refuses its arguments"
        raise InputError(f"sdv: {kind}: {reason}") from error
