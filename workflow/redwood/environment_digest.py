"""A digest of the versions that a rule computes with, so that a changed pin reruns its rules.

A rule that passes `environment_digest(…)` as a parameter is rerun when, and only when, a pin of its
environment has changed. It does not matter whether conda or the lock file makes the environment,
since both have the same pins, nor where it lies or what else its file says.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

import yaml

from redwood.errors import InputError

_ENVS = Path(__file__).resolve().parents[2] / "envs"


@cache
def environment_digest(name: str, folder: Path = _ENVS) -> str:
    """A digest of the pins of `name.yaml`, and of those that `name.post-deploy.sh` installs.

    Raises:
        InputError: there is no such environment, or its file lists no dependencies.
    """
    path = folder / f"{name}.yaml"
    try:
        pins = {str(pin) for pin in yaml.safe_load(path.read_text("utf-8"))["dependencies"]}
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}: expected an environment of conda") from None
    except (yaml.YAMLError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: expected an environment with dependencies: {reason}") from None
    script = folder / f"{name}.post-deploy.sh"
    if script.exists():
        pins.update(re.findall(r"[\w.-]+==[\w.]+", script.read_text("utf-8")))
    return hashlib.sha256("\n".join(sorted(pins)).encode()).hexdigest()[:16]


def environments(folder: Path = _ENVS) -> tuple[str, ...]:
    """The names of the environments."""
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))
