"""Raw dumps → the job table, all in one: each dump by itself, side by side, then gathered."""

import contextlib
import io
import multiprocessing
import os
import shutil
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

from redwood.configuration import Cleaning
from redwood.errors import InputError
from redwood.outputs import file_digest
from redwood.processes import end_with, safe_path
from redwood.progress import ProgressReport
from redwood.readers.reading import find_files, short_names
from redwood.records.cleaned_file import CleanedFile, clean_file
from redwood.records.gathering import gather
from redwood.records.privacy import hash_key, write_key
from redwood.sites import SITES_FILE


def clean(
    inputs: list[Path],
    output: Path,
    dataset: str,
    seed: int,
    options: Cleaning,
    sites: Path = SITES_FILE,
    workers: int | None = None,
) -> None:
    """Write jobs/, table.json, rejected.parquet and cleaning.json to `output`.

    Cleaned files and, unless the environment has one, the key of the hashes lie in
    `output`/cleaned until the run ends, be it by an error: only a run that was killed leaves them,
    and goes on with the dumps that are left.

    Args:
        inputs: dump files, folders or globs.
        output: folder for the results.
        dataset: name of the table.
        seed: the run's seed; keys the hashes of made-up users and of pseudonyms only.
        options: what to keep and how to read it.
        sites: table of sites and their core powers.
        workers: dumps that are cleaned at the same time; as many as there are processors if `None`.

    Raises:
        InputError: no dump, one that cannot be read at all, a configured feature that no dump has,
            or no row left.
    """
    paths = find_files(inputs)
    folder = output / "cleaned"
    key_file = folder / ".hash_key"
    tasks = [
        _Task(path, name, folder / f"{number:05d}", options, seed, key_file, sites)
        for number, (path, name) in enumerate(zip(paths, short_names(paths), strict=True))
    ]
    workers = min(len(tasks), workers or len(os.sched_getaffinity(0)))
    write_key(key_file)
    try:
        if workers == 1:
            for task in tasks:
                task.run()
        else:
            _run_side_by_side(tasks, workers)
        gather([task.folder for task in tasks], output, dataset, options, key_file=key_file)
    finally:
        # Whatever the ending, unless this process was killed: the key is to be forgotten, and
        # without it the cleaned files are of no use.
        shutil.rmtree(folder)


@dataclass(frozen=True)
class _Task:
    """The cleaning of one dump."""

    path: Path
    name: str
    folder: Path
    options: Cleaning
    seed: int
    key_file: Path
    sites: Path

    def run(self) -> None:
        if not self.is_done():
            clean_file(
                self.path,
                self.name,
                self.folder,
                self.options,
                self.seed,
                self.key_file,
                self.sites,
            )

    def is_done(self) -> bool:
        """Whether an earlier run left the cleaned file, made of the same dump in the same way."""
        try:
            account = CleanedFile.load(self.folder).account
        except InputError:
            return False
        nameless = account["key"]["origin"] == "seed"
        key = hash_key(self.seed, nameless=nameless, file=self.key_file)
        return (
            account["options"] == self.options.model_dump(mode="json")
            and account["key"]["fingerprint"] == key.fingerprint
            and account["sites"] == file_digest(self.sites)
            and account["sha256"] == file_digest(self.path)
        )


def _run_side_by_side(tasks: list[_Task], workers: int) -> None:
    # Forked processes would share the threads of Arrow and DuckDB, which do not survive it.
    context = multiprocessing.get_context("spawn")
    with (
        ProgressReport("cleaning dumps", len(tasks), "files") as report,
        safe_path(),
        ProcessPoolExecutor(workers, context, end_with, (os.getpid(),)) as pool,
    ):
        try:
            pending = [pool.submit(_run_silently, task) for task in tasks]
            for done in as_completed(pending):
                done.result()
                report.advance()
        except BrokenProcessPool:
            raise InputError(
                "a process that cleaned a dump has ended too soon. If it said nothing above it was "
                "killed, as a system does when memory runs out: start again, with fewer workers"
            ) from None
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _run_silently(task: _Task) -> None:
    """Run a task without its progress, which would get mixed up with that of others."""
    with contextlib.redirect_stderr(io.StringIO()):
        task.run()
