"""What jobs of the synthetic grid can be about: projects, data types, sites, users, error codes.

The numbers of projects (14), production steps (4) and data types (54) are those of the paper's
table; names are ATLAS's own. Shares are chosen, with the heavy tails that such shares have.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from redwood.records.sites import load_sites

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

_SITE_EXPONENT = 1.5

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
    """A kind of job beside user analysis of DAOD datasets.

    Attributes:
        label, processing: PRODSOURCELABEL and PROCESSINGTYPE.
        step, data_type: of the input dataset; empty where it has no official name.
        share: jobs, relative to those of user analysis.
        task_jobs: median jobs per task.
        file_bytes: median bytes per input file.
        file_cpu: median CPU seconds per input file.
        cores: cores per job.
        simulated_only: whether the input is always simulated data.
    """

    label: str
    processing: str
    step: str
    data_type: str
    share: float
    task_jobs: float
    file_bytes: float
    file_cpu: float
    cores: int
    simulated_only: bool = False


ANALYSIS = Activity("user", "panda-client-1.5.70-jedi-run", "", "", 1.0, 12, 0.0, 800.0, 1)
# What a dump also holds and cleaning has to tell apart. The mixture is chosen: half as many jobs as
# were asked for, of most kinds that ATLAS ran in 2017.
OTHERS = (
    Activity("user", "gangarobot-rctest", "deriv", "DAOD_PHYS", 0.09, 6, 2.6e9, 60.0, 1),
    Activity("user", "panda-client-1.5.70-jedi-run", "recon", "AOD", 0.07, 10, 3e9, 1500.0, 1),
    Activity("user", "panda-client-1.5.70-jedi-run", "", "", 0.08, 8, 4e8, 300.0, 1),
    Activity("managed", "evgen", "evgen", "EVNT", 0.05, 60, 2e8, 9e3, 1, True),
    Activity("managed", "simul", "merge", "EVNT", 0.06, 60, 2e8, 2e5, 8, True),
    Activity("managed", "pile", "merge", "HITS", 0.03, 60, 1.5e9, 6e4, 8, True),
    Activity("managed", "deriv", "merge", "AOD", 0.05, 60, 4e9, 1.2e4, 8),
    Activity("managed", "pmerge", "", "", 0.05, 20, 3e8, 60.0, 1),
)

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


def draw_projects(random: np.random.Generator, number: int, *, simulated_only: bool) -> np.ndarray:
    """Random projects, [number] of str."""
    names = np.array(list(PROJECTS), dtype=object)
    weights = np.array(list(PROJECTS.values()))
    if simulated_only:
        weights = weights * [name.startswith("mc") for name in names]
    return random.choice(names, number, p=shares(weights))


def draw_steps(random: np.random.Generator, projects: np.ndarray) -> np.ndarray:
    """Random production steps, [n] of str; only recorded data come in period containers."""
    steps = random.choice(
        np.array(list(STEPS), dtype=object), len(projects), p=shares(np.array([*STEPS.values()]))
    )
    recorded = np.array([project.startswith("data") for project in projects], dtype=bool)
    return np.where((steps == "PhysCont") & ~recorded, "deriv", steps)


def grid(number: int) -> pd.DataFrame:
    """The `number` busiest sites of the resource table.

    Columns: `queue` (its COMPUTINGSITE), `cloud`, `core_power` (HS23 per core) and `share` of the
    jobs, more than in proportion to what a site transferred in 2019: the largest gets an eighth.
    """
    sites = load_sites()
    transfers = sites["ddm_tb_28d"].fillna(0.0).to_numpy() + 250.0
    busiest = np.argsort(-transfers, kind="stable")[:number]
    chosen = sites.iloc[busiest]
    return pd.DataFrame(
        {
            "queue": [queues[0] for queues in chosen["queues"]],
            "cloud": chosen["cloud"].to_numpy(),
            "core_power": chosen["core_power"].to_numpy(),
            "share": shares(transfers[busiest] ** _SITE_EXPONENT),
        }
    )


def official_names(
    random: np.random.Generator, projects: np.ndarray, steps: np.ndarray, types: np.ndarray
) -> np.ndarray:
    """A dataset name for each (project, step, type), [n] of str; the same triple gets others."""
    numbers = random.integers(300_000, 899_999, len(projects))
    tags = random.integers((3000, 3000, 9000), (9000, 4300, 16000), (len(projects), 3))
    names = []
    for project, step, data_type, number, tag in zip(
        projects, steps, types, numbers.tolist(), tags.tolist(), strict=True
    ):
        recorded = project.startswith("data")
        field = f"{number:08d}.physics_Main" if recorded else f"{number}.Synthetic_sample"
        if step == "PhysCont":
            field = f"period{'ABCDEFGHIJK'[number % 11]}.physics_Main"
        scheme = _RECORDED_TAGS if recorded else _SIMULATED_TAGS
        last = f"_p{tag[0]}" if step in ("deriv", "PhysCont") and not recorded else ""
        name = f"{project}.{field}.{step}.{data_type}.{scheme.format(*tag)}{last}"
        if step == "merge":
            name += f"_tid{10_000_000 + number * 33:08d}_00"
        names.append(name)
    return np.array(names, dtype=object)
