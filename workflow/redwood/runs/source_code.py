"""Which source made the results: the commit, and how the working tree differed from it."""

import hashlib
import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from redwood.errors import InputError
from redwood.outputs import file_digest

# Where a file that git does not know can change what rules do.
_CODE = ("Snakefile", "workflow", "envs", "resources")


@dataclass(frozen=True)
class SourceState:
    """The state of the project's source.

    Attributes:
        commit: 40 hexadecimal digits; `None` if unknown.
        unknown_because: why it is unknown, in words; otherwise empty.
        changes: SHA-256 over all that is not committed; `None` if nothing is.
    """

    commit: str | None
    unknown_because: str = ""
    changes: str | None = None


def source_state(project: Path) -> SourceState:
    """The commit of `project` and whether anything in it is not committed.

    What git ignores does not count, nor new files outside the code, such as configurations.
    """
    try:
        top = git(project, "rev-parse", "--show-toplevel").decode().strip()
        if Path(top).resolve() != project.resolve():
            return SourceState(None, "the project is not a git checkout")
        commit = git(project, "rev-parse", "HEAD").decode().strip()
        changes = git(project, "diff", "HEAD", "--binary", "--no-ext-diff", "--no-textconv")
        new = git(project, "ls-files", "-z", "--others", "--exclude-standard", "--", *_CODE)
    except FileNotFoundError:
        return SourceState(None, "git is not installed")
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace")
        if "not a git repository" in reason:
            return SourceState(None, "the project is not a git checkout")
        return SourceState(None, "git does not answer here")
    names = sorted(name for name in new.split(b"\0") if name)
    if not changes and not names:
        return SourceState(commit)
    digest = hashlib.sha256(changes)
    for name in names:
        content = file_digest(project / os.fsdecode(name))
        digest.update(b"\0" + name + b"\0" + content.encode())
    return SourceState(commit, changes=digest.hexdigest())


def archive(project: Path, commit: str, without: Iterable[str] = ()) -> bytes:
    """The files of a commit as a tar archive.

    Args:
        project: the checkout.
        commit: 40 hexadecimal digits.
        without: paths in it that are left out.

    Raises:
        InputError: git does not know the commit.
    """
    left_out = [f":(exclude,literal){path}" for path in without]
    try:
        return git(project, "archive", "--format=tar", commit, "--", ".", *left_out)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", b"git is not installed").decode(errors="replace")
        raise InputError(
            f"{project}: the source of commit {commit} cannot be had: {' '.join(reason.split())}"
        ) from None


def git(project: Path, *arguments: str) -> bytes:
    """What git answers in `project`, whatever the user has configured.

    Raises:
        FileNotFoundError: git is not installed.
        subprocess.CalledProcessError: git fails.
    """
    return subprocess.run(
        ["git", "-c", "core.quotePath=false", *arguments],
        cwd=project,
        env={**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"},
        capture_output=True,
        check=True,
    ).stdout
