"""The facts that the library brings: `resources/`, which is installed with it."""

from pathlib import Path

_FOLDER = Path(__file__).resolve().parent / "resources"


def fact_file(name: str) -> Path:
    """The file `name` of `resources/`, wherever the library is installed."""
    return _FOLDER / name
