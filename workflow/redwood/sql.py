"""DuckDB in memory, as stages use it: on one thread, and neither fetching anything nor talking."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryDirectory
from typing import Any, Final

import duckdb

_SETTINGS: Final[dict[str, Any]] = {
    "threads": 1,
    "python_enable_replacements": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


@contextmanager
def database(memory_limit: str | None = "500MB") -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database.

    Args:
        memory_limit: what does not fit lies in a temporary folder; nothing is written if `None`.
    """
    with ExitStack() as stack:
        settings = _SETTINGS | {"temp_directory": ""}
        if memory_limit is not None:
            folder = stack.enter_context(TemporaryDirectory())
            settings |= {"memory_limit": memory_limit, "temp_directory": folder}
        connection = stack.enter_context(duckdb.connect(":memory:", config=settings))
        # In spawned workers DuckDB takes a log for a terminal. In a notebook it refuses to turn off
        # what is not on.
        [(draws,)] = connection.execute("SELECT current_setting('enable_progress_bar')").fetchall()
        if draws:
            connection.execute("SET enable_progress_bar = false")
        yield connection
