"""REDWOOD: from the job records of a computing grid to synthetic workloads and simulations.

The names below are the library's Python API; `redwood.api` documents them. What they need is
imported when they are first used, so that `import redwood` takes no time.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redwood.api import (
        Column,
        InputError,
        Outcomes,
        Records,
        Split,
        TableDescription,
        brokerage_env,
        clean,
        compare,
        evaluate,
        generate_dump,
        load_surrogate,
        platform,
        read_table,
        sample,
        simulate,
        simulate_all,
        train,
        write_table,
    )

__version__ = "0.1.0"

__all__ = [
    "Column",
    "InputError",
    "Outcomes",
    "Records",
    "Split",
    "TableDescription",
    "brokerage_env",
    "clean",
    "compare",
    "evaluate",
    "generate_dump",
    "load_surrogate",
    "platform",
    "read_table",
    "sample",
    "simulate",
    "simulate_all",
    "train",
    "write_table",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("redwood.api"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
