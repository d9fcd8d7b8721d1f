"""What the name of a dataset says: its project, production step and data type.

ATLAS names an official dataset `project.number.stream.prodStep.dataType[.tags]`
(ATL-COM-GEN-2007-003). In job records the name may carry a Rucio scope in front (`scope:name`), a
trailing slash (a container) and, on its tags, the task that wrote it (`_tid12345678_00`). Names of
groups and users, dispatch blocks and libraries follow no such scheme and have no fields.
"""

import re
from typing import NamedTuple

# What stands in these fields comes out of the cleaning stage, so it must not be any word: a project
# has an energy or is for heavy ions, cosmics, commissioning, calibration or tests …
_PROJECT = re.compile(
    r"(?:mc|data)\d{2}(?:_(?:(?:hi|hip|pPb|ppb)?\d+(?:p\d+)?[GT]eV|hi|hip|pPb|ppb|cos|cosmag"
    r"|(?:id|lar|tile|calo|muon|l1calo)?comm|calib|[12]beam|test|valid))*|valid\d*"
)
# … and the steps are those of ATL-COM-GEN-2007-003 and the ones that came after it.
_STEPS = frozenset(
    {
        *("evgen", "simul", "digit", "pile", "overlay", "recon", "merge", "deriv", "daq"),
        *("PhysCont", "reprocess", "filter", "skim", "slim", "ntuple", "ntup", "atlfast"),
        *("fast", "FastChain", "avgen", "calib", "trigger", "validation", "perf"),
    }
)
_DATA_TYPE = re.compile(r"(?=.{2,32}$)[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
_DERIVED = "DAOD_"
# The data types of ATL-COM-GEN-2007-003 and the formats of ATLAS's derivation framework: what has
# the form of one and is none of these may be any word.
_OFFICIAL_TYPE = re.compile(
    r"(?:D?AOD|D?ESD|DRAW|RAW|EVNT|HITS|RDO|BS|TAG|HIST|LOG|TXT|AODM|ESDM|DRD|NTUP"
    r"|(?:DESDM?|DRAW|NTUP|HIST)_(?:PHYSVAL|ZMUMU|ZEE|WENU|WMUNU|EGAMMA|EGZ|SGLEL|CALJET|MCP|MUON"
    r"|TAUMUH|TOPSLMU|RPVLL|IDALIGN|ALLCELLS|EXOTHION|EMU|EOVERP|SLTTMU|TRIG|COMMON|TRUTH|FASTMON"
    r"|TRKVALID|IDVTXLUMI|IDPIXLUMI|TILEMU|PILEUP|SUSY|TOP|SMWZ|SCT)"
    r"|PHYS(?:LITE|VAL)?|TRUTH\d?|RPVLL|IDTIDE\d?|IDTRKVALID|IDTRKLUMI|PIXELVALID|SCTVALID"
    r"|(?:BPHY|EGAM|EXOT|FTAG|HDBS|HION|IDNCB|IDTR|JETM|L1CALO|LCALO|LLJ|LLP|LLQ|MUON|NCB|PHYSVAL"
    r"|STDM|SUSY|TAUP|TCAL|TLA|TOPQ|TRIG|UPGR)\d{1,2}|HIGG\dD\d{1,2})"
)


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
    if not (_PROJECT.fullmatch(project) and step in _STEPS and _DATA_TYPE.fullmatch(data_type)):
        return DatasetName()
    short, is_daod = short_data_type(data_type)
    return DatasetName(project, step, short, is_daod)


def short_data_type(data_type: str) -> tuple[str, bool]:
    """`DAOD_PHYS` → (`PHYS`, True); a type that is not derived stays as it is, with False."""
    is_daod = data_type.startswith(_DERIVED) and len(data_type) > len(_DERIVED)
    return (data_type[len(_DERIVED) :] if is_daod else data_type), is_daod


def is_official_type(short: str) -> bool:
    """Whether a short data type is one of ATLAS's, not merely of their form."""
    return _OFFICIAL_TYPE.fullmatch(short) is not None


def parse_data_type(value: str) -> tuple[str | None, bool]:
    """The short data type in an INPUTFILETYPE and whether it is derived; `None` if it is none."""
    data_type = value.strip()
    return short_data_type(data_type) if _DATA_TYPE.fullmatch(data_type) else (None, False)


def parse_project(value: str) -> str | None:
    """The project in an INPUTFILEPROJECT, which may have a scope in front; else `None`.

    `mc15_13TeV:mc15_13TeV` is `mc15_13TeV`; `group`, `panda`, `user` name no project.
    """
    project = value.strip().rpartition(":")[2]
    return project if _PROJECT.fullmatch(project) else None


def is_robot(value: str) -> bool:
    """Whether an INPUTFILEPROJECT or a dataset's scope marks a HammerCloud test job."""
    return value.strip().startswith("hc_test")
