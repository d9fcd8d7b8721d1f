"""What the name of a dataset says: its project, production step and data type.

ATLAS names an official dataset `project.number.stream.prodStep.dataType[.tags]`
(ATL-COM-GEN-2007-003). In job records the name may carry a Rucio scope in front (`scope:name`), a
trailing slash (a container) and, on its tags, the task that wrote it (`_tid12345678_00`). Names of
groups and users, dispatch blocks and libraries follow no such scheme and have no fields.
"""

import re
from typing import NamedTuple

_PROJECT = re.compile(r"(?:mc|data)\d{2}(?:_[A-Za-z0-9]+)*|valid\d*")
_STEP = re.compile(r"[A-Za-z]+")
_DATA_TYPE = re.compile(r"[A-Z][A-Za-z0-9_]*")
_DERIVED = "DAOD_"


class DatasetName(NamedTuple):
    """The fields of an official dataset's name; all `None` for a name that is not official.

    `datatype` is short, as the paper's table has it: `PHYS` for `DAOD_PHYS`, and `is_daod` keeps
    what the short form drops.
    """

    project: str | None = None
    prodstep: str | None = None
    datatype: str | None = None
    is_daod: bool = False


def parse(name: str) -> DatasetName:
    """The fields of a dataset's name.

    Example:
        >>> parse("mc21_13p6TeV:mc21_13p6TeV.601229.PhPy8EG.deriv.DAOD_PHYS.e8453_p5855_tid1_00/")
        DatasetName(project='mc21_13p6TeV', prodstep='deriv', datatype='PHYS', is_daod=True)
    """
    fields = name.strip().rstrip("/").rpartition(":")[2].split(".")
    if len(fields) not in (5, 6) or not all(fields[:5]):
        return DatasetName()
    project, _, _, step, data_type = fields[:5]
    if not (
        _PROJECT.fullmatch(project) and _STEP.fullmatch(step) and _DATA_TYPE.fullmatch(data_type)
    ):
        return DatasetName()
    short, is_daod = short_data_type(data_type)
    return DatasetName(project, step, short, is_daod)


def short_data_type(data_type: str) -> tuple[str, bool]:
    """`DAOD_PHYS` → (`PHYS`, True); a type that is not derived stays as it is, with False."""
    is_daod = data_type.startswith(_DERIVED) and len(data_type) > len(_DERIVED)
    return (data_type[len(_DERIVED) :] if is_daod else data_type), is_daod


def parse_project(value: str) -> str | None:
    """The project in an INPUTFILEPROJECT, which may have a scope in front; else `None`.

    `mc15_13TeV:mc15_13TeV` is `mc15_13TeV`; `group`, `panda`, `user` name no project.
    """
    project = value.strip().rpartition(":")[2]
    return project if _PROJECT.fullmatch(project) else None


def is_robot(value: str) -> bool:
    """Whether an INPUTFILEPROJECT or a dataset's scope marks a HammerCloud test job."""
    return value.strip().startswith("hc_test")
