"""What jobs of the synthetic grid can be about: projects, data types, activities, error codes.

The numbers of projects (14), production steps (4) and data types (54) are those of the paper's
table; names are ATLAS's own. Shares are chosen, with the heavy tails that such shares have.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

PROJECTS = {
    "mc20_13TeV": 30.0,
    "mc23_13p6TeV": 22.0,
    "data18_13TeV": 10.0,
    "data17_13TeV": 8.0,
    "data16_13TeV": 7.0,
    "data22_13p6TeV": 6.0,
    "data23_13p6TeV": 5.0,
    "mc21_13p6TeV": 4.0,
    "data15_13TeV": 3.0,
    "mc16_13TeV": 2.0,
    "mc23_5p36TeV": 1.0,
    "data18_hi": 0.8,
    "data23_hi": 0.7,
    "valid1": 0.5,
}
STEPS = {"deriv": 92.0, "PhysCont": 4.0, "merge": 3.0, "recon": 1.0}
DATA_TYPES = (
    *("PHYS", "PHYSLITE", "EXOT2", "SUSY1", "JETM1", "TOPQ1", "HIGG1D1", "HIGG2D1", "EGAM1"),
    *("FTAG1", "LLP1", "STDM4", "MUON1", "TAUP1", "JETM3", "EXOT4", "HIGG4D1", "HIGG5D2"),
    *("SUSY2", "SUSY5", "SUSY7", "SUSY11", "EGAM2", "EGAM3", "EGAM5", "EGAM7", "EGAM9", "JETM2"),
    *("JETM6", "JETM8", "JETM9", "JETM14", "JETM15", "FTAG2", "FTAG3", "STDM3", "STDM7", "STDM13"),
    *("HIGG1D2", "HIGG3D1", "HIGG3D3", "HIGG8D1", "EXOT3", "EXOT5", "EXOT10", "EXOT14", "BPHY1"),
    *("BPHY4", "BPHY5", "BPHY18", "MUON2", "IDTR2", "IDTRKVALID", "HION4"),
)
_DATA_TYPE_EXPONENT = 1.25

# Median bytes per file. PHYS lies between the paper's rows (1.86 and 3.49 GB), SUSY1 is known to
# have 1.6 to 1.8 GB; the others are chosen.
_FILE_BYTES = {
    **{"PHYS": 2.6e9, "SUSY1": 1.7e9, "PHYSLITE": 1.1e9, "EXOT2": 2.2e9, "JETM1": 3.1e9},
    **{"EGAM1": 0.9e9, "FTAG1": 4.2e9, "TOPQ1": 1.4e9, "HIGG2D1": 0.7e9, "STDM4": 2.0e9},
}
_FILE_BYTES_OTHERS = 1.5e9

WORKING_GROUPS = ("phys-higgs", "phys-susy", "phys-exotics", "phys-top", "perf-jets", "phys-sm")

# Pilot error codes (PanDAWMS/pilot3): the ones of a broken site, and those of a broken job.
SITE_ERRORS = {
    1099: "Failed to stage-in file",
    1137: "Failed to stage-out file",
    1110: "Failed during payload setup",
    1186: "Software directory does not exist",
    1098: "Not enough local space",
    1213: "Reached batch system time limit",
}
JOB_ERRORS = {
    1305: "Failed to execute payload",
    1235: "Payload exceeded maximum allowed memory",
    1150: "Looping job killed by pilot",
    1212: "Payload ran out of memory",
    1165: "Local output file is missing",
    1201: "Job killed by signal: SIGTERM",
}


@dataclass(frozen=True)
class Activity:
    """A kind of jobs.

    Attributes:
        label, processing: PRODSOURCELABEL and PROCESSINGTYPE.
        kind: what becomes of them, a key of `outcomes.OUTCOMES`.
        step, data_type: of the input dataset; empty where it has no official name.
        share: chains, relative to those of user analysis of DAOD.
        task_jobs: median jobs per task.
        file_bytes: median bytes per input file.
        file_cpu: median CPU seconds per input file.
        cores: cores per job.
        simulated_only: whether the input is always simulated data.
    """

    label: str
    processing: str
    kind: str
    step: str
    data_type: str
    share: float
    task_jobs: float
    file_bytes: float
    file_cpu: float
    cores: int = 1
    simulated_only: bool = False


_CLIENT = "panda-client-1.5.70-jedi-run"
# First user analysis of DAOD, then what a dump also holds and cleaning has to tell apart: about
# half as many jobs, mostly of the kinds that ATLAS ran in 2017.
ACTIVITIES: Final = (
    Activity("user", _CLIENT, "user", "", "", 1.0, 12, 0.0, 800.0),
    Activity("user", _CLIENT, "user", "recon", "AOD", 0.06, 10, 3e9, 1500.0),
    Activity("user", _CLIENT, "user", "", "", 0.09, 8, 4e8, 300.0),
    Activity("user", "gangarobot-rctest", "robot", "deriv", "DAOD_PHYS", 0.18, 6, 2.6e9, 60.0),
    Activity("managed", "evgen", "evgen", "", "", 0.06, 60, 0.0, 9e3, 1, True),
    Activity("managed", "simul", "simul", "merge", "EVNT", 0.05, 60, 2e8, 2e5, 8, True),
    Activity("managed", "pile", "pile", "merge", "HITS", 0.025, 60, 1.5e9, 6e4, 8, True),
    Activity("managed", "deriv", "deriv", "merge", "AOD", 0.03, 60, 4e9, 1.2e4, 8),
    Activity("managed", "pmerge", "pmerge", "", "", 0.04, 20, 3e8, 60.0),
    Activity("managed", "merge", "merge", "recon", "AOD", 0.015, 30, 2e9, 600.0),
    Activity("managed", "reprocessing", "reprocessing", "daq", "RAW", 0.01, 60, 5e9, 1.5e5, 8),
    Activity("managed", "recon", "recon", "merge", "HITS", 0.015, 60, 1.5e9, 5e4, 8, True),
)
ANALYSIS, UNOFFICIAL, ROBOTS = 0, 2, 3
PRODUCTION = tuple(
    number for number, activity in enumerate(ACTIVITIES) if activity.label == "managed"
)

PROJECT_NAMES: Final = tuple(PROJECTS)
STEP_NAMES: Final = tuple(STEPS)

# Tags of the processing that made a dataset: e evgen, s simul, r recon, p deriv, f and m Tier-0.
_SIMULATED_TAGS = "e{0}_s{1}_r{2}"
_RECORDED_TAGS = "r{2}_p{0}"


def shares(weights: np.ndarray) -> np.ndarray:
    """Weights as probabilities."""
    return weights / weights.sum()


def zipf(number: int, exponent: float) -> np.ndarray:
    """Probabilities of ranks 1 … number under Zipf's law."""
    return shares(np.arange(1, number + 1, dtype=float) ** -exponent)


def data_type_shares() -> np.ndarray:
    """How often each of `DATA_TYPES` is read, [54]."""
    return zipf(len(DATA_TYPES), _DATA_TYPE_EXPONENT)


def file_bytes() -> np.ndarray:
    """Median bytes per file of each of `DATA_TYPES`, [54]."""
    return np.array([_FILE_BYTES.get(name, _FILE_BYTES_OTHERS) for name in DATA_TYPES])


def draw_projects(random: np.random.Generator, simulated_only: np.ndarray) -> np.ndarray:
    """Random projects, position in `PROJECT_NAMES`, one for each of [n] bool."""
    weights = np.array([*PROJECTS.values()])
    simulated = weights * [name.startswith("mc") for name in PROJECT_NAMES]
    drawn = random.random(len(simulated_only))
    return np.where(
        simulated_only,
        np.searchsorted(np.cumsum(shares(simulated)), drawn, side="right"),
        np.searchsorted(np.cumsum(shares(weights)), drawn, side="right"),
    )


def is_recorded(projects: np.ndarray) -> np.ndarray:
    """Whether projects [n] are of recorded collisions, not of simulated ones."""
    return np.array([name.startswith("data") for name in PROJECT_NAMES])[projects]


def draw_steps(random: np.random.Generator, projects: np.ndarray) -> np.ndarray:
    """Random steps, position in `STEP_NAMES` [n]; only recorded data come in period containers."""
    weights = shares(np.array([*STEPS.values()]))
    steps = np.searchsorted(np.cumsum(weights), random.random(len(projects)), side="right")
    periods = STEP_NAMES.index("PhysCont")
    return np.where((steps == periods) & ~is_recorded(projects), 0, steps)


def official_name(project: str, step: str, data_type: str, number: int, tags: list[int]) -> str:
    """The name of a dataset.

    Args:
        project, step, data_type: its fields.
        number: of the sample or run, up to six digits.
        tags: three numbers of four or five digits.
    """
    recorded = project.startswith("data")
    field = f"{number:08d}.physics_Main" if recorded else f"{number}.Synthetic_sample"
    if step == "PhysCont":
        field = f"period{'ABCDEFGHIJK'[number % 11]}.physics_Main"
    if step == "daq":
        return f"{project}.{field}.{step}.{data_type}"
    scheme = _RECORDED_TAGS if recorded else _SIMULATED_TAGS
    last = f"_p{tags[0]}" if step in ("deriv", "PhysCont") and not recorded else ""
    name = f"{project}.{field}.{step}.{data_type}.{scheme.format(*tags)}{last}"
    return f"{name}_tid{10_000_000 + number * 33:08d}_00" if step == "merge" else name
