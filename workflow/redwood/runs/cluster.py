"""The cluster that jobs go to: described by a small file, the environment, or nothing at all."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from redwood.errors import InputError
from redwood.validation import Section, read_section

FILE = "cluster.yaml"
FILE_VARIABLE = "REDWOOD_CLUSTER"
# REDWOOD_CPU_PARTITION=long is `cpu: {partition: long}`.
_VALUE_PREFIXES = {"cpu": "REDWOOD_CPU_", "gpu": "REDWOOD_GPU_"}


class Nodes(Section):
    """Where jobs of a kind go, and what the nodes there have."""

    account: str | None = Field(None, description="what is charged; sbatch --account")
    partition: str | None = Field(None, description="sbatch --partition")
    qos: str | None = Field(None, description="sbatch --qos")
    constraint: str | None = Field(None, description="sbatch --constraint")
    extra: str | None = Field(None, description="further arguments of sbatch")
    hours: float = Field(24, gt=0, description="the longest time that a job may ask for")
    memory_gb: float = Field(64, gt=0, description="the most memory that a job may ask for")
    speed: float = Field(
        1, gt=0, description="how many times as fast as the cores of resources/costs.csv"
    )
    price_per_core_hour: float = Field(0, ge=0)


class GpuNodes(Nodes):
    """Where jobs go that use a GPU."""

    # The plug-in would refuse another name only when the first job is sent.
    model: str | None = Field(
        None, pattern=r"^[A-Za-z0-9_.]+$", description="type of the GPU, as Slurm names it"
    )
    price_per_gpu_hour: float = Field(0, ge=0)


class Cluster(Section):
    """A cluster. Without `gpu`, models train on processors."""

    name: str = "a cluster that nothing describes"
    cpu: Nodes = Nodes()
    gpu: GpuNodes | None = GpuNodes()
    currency: str = Field("", description="unit of the prices: EUR, node hours, …")


def read_cluster(
    project: Path, environment: Mapping[str, str], path: Path | None = None
) -> Cluster:
    """The description of the cluster by a file and by the environment, which prevails.

    Args:
        project: the project's root, where `cluster.yaml` may lie.
        environment: variables. `REDWOOD_CLUSTER` names another file, relative to the project's
            root; `REDWOOD_CPU_PARTITION` and the like (`REDWOOD_{CPU,GPU}_{KEY}`) give single
            values, an empty one takes away what the file says.
        path: the file, instead of the one that the environment names.

    Raises:
        InputError: the file is missing or wrong, or a variable is.
    """
    named = environment.get(FILE_VARIABLE)
    file = path or project / (named or FILE)
    content: dict[str, Any] = {}
    sources = []
    if path or named or file.exists():
        content = _read_yaml(file)
        sources.append(str(file))
    for section, prefix in _VALUE_PREFIXES.items():
        given = {
            variable.removeprefix(prefix).lower(): environment[variable] or None
            for variable in sorted(environment)
            if variable.startswith(prefix)
        }
        below = content.get(section) or {}
        # A value that is no section is left to the check that follows.
        if given and isinstance(below, dict):
            content[section] = {**below, **given}
            sources += [f"{prefix}{key.upper()}" for key in given]
    return read_section(Cluster, content, ", ".join(sources))


def _read_yaml(path: Path) -> dict[str, Any]:
    """The keys and values in a YAML file; none if it holds comments alone."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}: expected the description of a cluster"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict | None):
        raise InputError(
            f"{path}: found {type(content).__name__}, expected the description of a cluster: "
            "keys and values"
        )
    return content or {}
