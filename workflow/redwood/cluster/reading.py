"""Reading the YAML files that people write."""

from pathlib import Path
from typing import Any

import yaml

from redwood.errors import InputError


def read_yaml(path: Path, what: str) -> dict[str, Any]:
    """The keys and values in a YAML file; none if it holds comments alone.

    Args:
        path: the file.
        what: what it should be, for the error message.

    Raises:
        InputError: the file cannot be read, is not YAML, or holds something else.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected {what}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InputError(
            f"{path}: found {type(content).__name__}, expected {what}: keys and values"
        )
    return content
