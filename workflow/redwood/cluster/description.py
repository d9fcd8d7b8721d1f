"""The values of one's own cluster: a small file, the environment, or nothing at all."""

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
    """Where jobs of a kind go, and what there is."""

    account: str | None = Field(None, description="what is charged; sbatch --account")
    partition: str | None = Field(None, description="sbatch --partition")
    qos: str | None = Field(None, description="sbatch --qos")
    constraint: str | None = Field(None, description="sbatch --constraint")
    extra: str | None = Field(None, description="further arguments of sbatch")
    hours: float = Field(24, gt=0, description="the longest time that a job may ask for")
    memory_gb: float = Field(64, gt=0, description="the most memory that a job may ask for")
    speed: float = Field(
        1, gt=0, description="how many times faster than the cores of resources/costs.csv"
    )
    price_per_core_hour: float = Field(0, ge=0)


class GpuNodes(Nodes):
    """Where jobs go that use a GPU."""

    model: str | None = Field(None, description="type of the GPU, as Slurm names it")
    price_per_gpu_hour: float = Field(0, ge=0)


class Cluster(Section):
    """A cluster. Without `gpu`, models train on processors."""

    name: str = "a cluster"
    cpu: Nodes = Nodes()
    gpu: GpuNodes | None = GpuNodes()
    currency: str = Field("", description="unit of the prices: EUR, node hours, …")


def read_cluster(
    project: Path, environment: Mapping[str, str], path: Path | None = None
) -> Cluster:
    """The description of the cluster: of a file, and of the environment, which prevails.

    Args:
        project: the project's root, where `cluster.yaml` may lie.
        environment: variables; `REDWOOD_CLUSTER` names another file, `REDWOOD_CPU_PARTITION` and
            the like (`REDWOOD_{CPU,GPU}_{KEY}`) give single values.
        path: the file, instead of that of the environment.

    Raises:
        InputError: the file is missing or wrong, or a variable is.
    """
    named = path or (Path(environment[FILE_VARIABLE]) if environment.get(FILE_VARIABLE) else None)
    file = named or project / FILE
    content = _read(file) if named or file.exists() else {}
    source = str(file)
    for section, prefix in _VALUE_PREFIXES.items():
        for variable in sorted(environment):
            if not variable.startswith(prefix):
                continue
            content[section] = {
                **(content.get(section) or {}),
                variable.removeprefix(prefix).lower(): environment[variable],
            }
            source += f", {variable}"
    return read_section(Cluster, content, source)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{path}: {error.strerror}: expected the description of a cluster"
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected keys and values, found {type(content).__name__}")
    return content
