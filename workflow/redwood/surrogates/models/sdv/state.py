"""The state of SDV's objects as JSON and arrays, in place of the pickles that SDV writes.

A pickle runs code when it is read; this makes objects of the classes listed here, fills in their
attributes, and runs nothing. What sampling does not need is left out: random states, losses, and
CTGAN's list of the training rows that have a category, of which whole rows could be put together.
"""

import importlib
import math
from collections import OrderedDict
from typing import Any

import numpy as np
import pandas as pd
import torch

# The classes that a fitted synthesizer of SDV consists of, by module.
_CLASSES = {
    "copulas.multivariate.gaussian": {"GaussianMultivariate"},
    "copulas.univariate.beta": {"BetaUnivariate"},
    "copulas.univariate.gamma": {"GammaUnivariate"},
    "copulas.univariate.gaussian": {"GaussianUnivariate"},
    "copulas.univariate.truncated_gaussian": {"TruncatedGaussian"},
    "copulas.univariate.uniform": {"UniformUnivariate"},
    "ctgan.data_sampler": {"DataSampler"},
    "ctgan.data_transformer": {"ColumnTransformInfo", "DataTransformer", "SpanInfo"},
    "ctgan.synthesizers.ctgan": {"CTGAN", "Generator", "Residual"},
    "ctgan.synthesizers.tvae": {"Decoder", "TVAE"},
    "rdt.hyper_transformer": {"HyperTransformer"},
    "rdt.transformers.categorical": {"OneHotEncoder", "UniformEncoder"},
    "rdt.transformers.datetime": {"UnixTimestampEncoder"},
    "rdt.transformers.null": {"NullTransformer"},
    "rdt.transformers.numerical": {
        "ClusterBasedNormalizer",
        "FloatFormatter",
        "GaussianNormalizer",
    },
    "sdv.data_processing.datetime_formatter": {"DatetimeFormatter"},
    "sdv.data_processing.numerical_formatter": {"NumericalFormatter"},
    "sklearn.mixture._bayesian_mixture": {"BayesianGaussianMixture"},
    "torch.nn.modules.activation": {"ReLU"},
    "torch.nn.modules.batchnorm": {"BatchNorm1d"},
    "torch.nn.modules.container": {"Sequential"},
    "torch.nn.modules.linear": {"Linear"},
}

# Attributes that sampling does not need → what stands in their place.
_LEFT_OUT: dict[str, Any] = {
    "random_state": None,
    "random_states": None,
    "loss_values": None,
    "_rid_by_cat_cols": [],
    "_distributions": {},
}


def pack(value: Any) -> tuple[Any, dict[str, np.ndarray]]:
    """`value` as JSON, and its arrays by the names that the JSON calls them.

    Raises:
        TypeError: something in it is of a kind that is not listed here.
    """
    packer = _Packer()
    return packer.pack(value), packer.arrays


def unpack(content: Any, arrays: dict[str, np.ndarray]) -> Any:
    """The inverse of `pack`.

    Raises:
        ValueError, KeyError, TypeError: the content is not what `pack` writes.
    """
    return _Unpacker(arrays).unpack(content)


class _Packer:
    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        # Kept alive, so that no other object gets the identity of one that is gone.
        self._seen: dict[int, tuple[int, Any]] = {}

    def pack(self, value: Any) -> Any:
        """Lists, numbers and texts as JSON has them; all else as an object with its `kind`."""
        if value is None or isinstance(value, bool | str) or type(value) is int:
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"kind": "float", "value": repr(value)}
        if type(value) is list:
            return [self.pack(part) for part in value]
        if isinstance(value, dict):
            kind = "ordered" if isinstance(value, OrderedDict) else "dict"
            return {"kind": kind, "items": [[self.pack(k), self.pack(v)] for k, v in value.items()]}
        if isinstance(value, set):
            return {"kind": "set", "items": sorted(value)}
        if isinstance(value, np.dtype):
            return {"kind": "dtype", "name": str(value)}
        if isinstance(value, np.generic):
            return {"kind": "number", "dtype": str(value.dtype), "value": self.pack(value.item())}
        if isinstance(value, np.ndarray):
            return {"kind": "array", "name": self._keep(value)}
        if isinstance(value, torch.Tensor):
            kind = "parameter" if isinstance(value, torch.nn.Parameter) else "tensor"
            return {"kind": kind, "name": self._keep(value.detach().cpu().numpy())}
        if isinstance(value, torch.device):
            return {"kind": "device"}
        if isinstance(value, pd.Series):
            items = [self.pack(list(value.index)), self.pack(list(value))]
            return {"kind": "series", "items": items}
        if isinstance(value, pd.DataFrame):
            labels = [self.pack(list(value.index)), self.pack(list(value.columns))]
            return {"kind": "frame", "name": self._keep(value.to_numpy()), "items": labels}
        if isinstance(value, type):
            return {"kind": "class", "class": _name_of(value)}
        if isinstance(value, tuple):
            named = {} if type(value) is tuple else {"class": _name_of(type(value))}
            return {"kind": "tuple", **named, "items": [self.pack(part) for part in value]}
        return self._pack_object(value)

    def _pack_object(self, value: Any) -> Any:
        if id(value) in self._seen:
            return {"kind": "same", "number": self._seen[id(value)][0]}
        number = len(self._seen)
        self._seen[id(value)] = number, value
        state = {name: _LEFT_OUT.get(name, part) for name, part in vars(value).items()}
        return {
            "kind": "object",
            "class": _name_of(type(value)),
            "number": number,
            "state": {name: self.pack(part) for name, part in state.items()},
        }

    def _keep(self, array: np.ndarray) -> str:
        if array.dtype == object:
            raise TypeError("an array of objects cannot be kept")
        name = f"array{len(self.arrays)}"
        # safetensors writes arrays as they lie in memory.
        self.arrays[name] = np.array(array, order="C")
        return name


class _Unpacker:
    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self._arrays = arrays
        self._made: dict[int, Any] = {}

    def unpack(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.unpack(part) for part in value]
        if not isinstance(value, dict):
            return value
        kind = value["kind"]
        if kind == "float":
            return float(value["value"])
        if kind in ("dict", "ordered"):
            pairs = ((self.unpack(k), self.unpack(v)) for k, v in value["items"])
            return OrderedDict(pairs) if kind == "ordered" else dict(pairs)
        if kind == "set":
            return set(value["items"])
        if kind == "dtype":
            return np.dtype(value["name"])
        if kind == "number":
            return np.dtype(value["dtype"]).type(self.unpack(value["value"]))
        if kind == "array":
            return self._arrays[value["name"]]
        if kind == "tensor":
            return torch.tensor(self._arrays[value["name"]])
        if kind == "parameter":
            return torch.nn.Parameter(torch.tensor(self._arrays[value["name"]]))
        if kind == "device":
            return torch.device("cpu")
        if kind == "series":
            index, values = self.unpack(value["items"])
            return pd.Series(values, index=index, dtype=object)
        if kind == "frame":
            index, columns = self.unpack(value["items"])
            return pd.DataFrame(self._arrays[value["name"]], index=index, columns=columns)
        if kind == "class":
            return _class_of(value["class"])
        if kind == "tuple":
            parts = self.unpack(value["items"])
            return _class_of(value["class"])(*parts) if "class" in value else tuple(parts)
        if kind == "same":
            return self._made[value["number"]]
        if kind == "object":
            return self._unpack_object(value)
        raise ValueError(f"{kind!r} is no kind of value")

    def _unpack_object(self, value: dict[str, Any]) -> Any:
        made = object.__new__(_class_of(value["class"]))
        self._made[value["number"]] = made
        vars(made).update({name: self.unpack(part) for name, part in value["state"].items()})
        if hasattr(made, "random_seed"):
            # Transformers of RDT draw from states of their own, which begin with this seed.
            made.reset_randomization()
        return made


def _name_of(kind: type) -> str:
    if kind.__name__ not in _CLASSES.get(kind.__module__, set()):
        raise TypeError(f"{kind.__module__}.{kind.__qualname__} cannot be kept")
    return f"{kind.__module__}.{kind.__name__}"


def _class_of(name: str) -> Any:
    module, _, kind = name.rpartition(".")
    if kind not in _CLASSES.get(module, set()):
        raise ValueError(f"{name!r} is no class of a synthesizer")
    return getattr(importlib.import_module(module), kind)
