"""Reading the JSON files that stages hand on to each other."""

import json
from pathlib import Path
from typing import Any

from redwood.errors import InputError


def read_json(path: str | Path, what: str) -> dict[str, Any]:
    """The object in a JSON file.

    Args:
        path: the file.
        what: what it should be, for the error message.

    Raises:
        InputError: the file is missing, is not JSON, or holds something else than an object.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: no such {what}") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, expected a {what} in JSON") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not a {what} in JSON: {error}") from None
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a {what}: expected a JSON object")
    return content
