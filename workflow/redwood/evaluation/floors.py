"""What measures find of the real rows alone, in a folder, for the evaluations of all samples."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from redwood.errors import InputError
from redwood.evaluation.contract import Arrays
from redwood.inputs import read_json, require_intact
from redwood.outputs import write_json, writing_folder

_FILE = "floors.json"


def write_floors(output: Path, found: Mapping[str, Arrays], determined_by: dict[str, Any]) -> None:
    """Write the folder `output`: the arrays, and all that they depend on."""
    with writing_folder(output) as folder:
        write_json(folder / _FILE, {**determined_by, "found": sorted(found)})
        for name, arrays in found.items():
            np.savez_compressed(folder / f"{name}.npz", **cast(dict[str, Any], arrays))


def read_floors(folder: Path, determined_by: dict[str, Any]) -> dict[str, Arrays]:
    """What `write_floors` has written; nothing if that was for another number of rows.

    Raises:
        InputError: it is damaged, or was found of other tables, with other options or another seed.
    """
    require_intact(folder)
    content = read_json(folder / _FILE, "list of floors")
    different = [key for key, value in determined_by.items() if content.get(key) != value]
    if different == ["rows"]:
        print(
            f"{folder}: floors of samples of {content['rows']} rows; those of "
            f"{determined_by['rows']} rows are found anew",
            file=sys.stderr,
        )
        return {}
    if different:
        raise InputError(
            f"{folder}: of another evaluation, which differs in {', '.join(different)}; expected "
            "floors of the same tables, options and seed"
        )
    found: dict[str, Arrays] = {}
    for name in content["found"]:
        with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
            found[name] = dict(arrays)
    return found
