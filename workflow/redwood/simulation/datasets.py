"""Datasets: which one each job reads, and where their replicas lie when a simulation begins."""

import csv
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from redwood.errors import InputError
from redwood.inputs import require_intact
from redwood.names import listed, suggested
from redwood.seeds import generator
from redwood.simulation.environment import Environment


def assign_datasets(
    frame: pd.DataFrame,
    kind: np.ndarray,
    input_bytes: np.ndarray,
    seed: int,
    jobs_per_dataset: float = 20.0,
) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """Say which dataset each job reads, as an index per row; -1 where it has no input.

    A table with a feature `dataset` says so itself. Other records name project, step and data type
    but not the dataset. Jobs of one kind then share a pool of datasets, one for every
    `jobs_per_dataset` jobs (rounded up), whose popularity falls as 1/rank (Zipf's law, which the
    popularity of datasets among analysis jobs follows roughly). In the order of their input sizes
    the jobs are dealt out to the datasets of the pool, so that those of one dataset read about as
    much: tasks, whose jobs are alike, then read few datasets within a short time, as tasks do.

    Args:
        frame: the job table.
        kind: (n,) the kind of each job.
        input_bytes: (n,) bytes that it reads.
        seed: of the popularities.
        jobs_per_dataset: mean number of jobs per dataset.

    Returns:
        (n,) datasets, and their names if the table has them.
    """
    if "dataset" in frame:
        codes, names = pd.factorize(frame["dataset"].astype(str), sort=True)
        return np.where(input_bytes > 0, codes, -1), tuple(names)
    random = generator(seed, "simulation", "datasets")
    dataset = np.full(len(frame), -1, np.int64)
    first = 0
    of_kind = np.where(input_bytes > 0, kind, -1)
    by_kind = np.lexsort((input_bytes, of_kind))
    starts = np.searchsorted(of_kind[by_kind], np.arange(int(kind.max(initial=0)) + 2))
    for begin, end in pairwise(starts):
        if begin == end:
            continue
        pool = int(np.ceil((end - begin) / jobs_per_dataset))
        popularity = random.permutation(1 / np.arange(1, pool + 1))
        readers = random.multinomial(end - begin, popularity / popularity.sum())
        read = np.flatnonzero(readers)
        ranks = np.repeat(np.arange(len(read)), readers[read])
        dataset[by_kind[begin:end]] = first + ranks
        first += len(read)
    return dataset, None


def place_replicas(
    environment: Environment, dataset_bytes: np.ndarray, copies: int, seed: int
) -> list[set[int]]:
    """Give every dataset `copies` replicas, as indices of sites.

    The first lies at a Tier-0 or Tier-1, the others at any other sites, all drawn with a site's
    cores as its weight, so that data lie where they can be worked on. Two on disk is the usual
    state of ATLAS's analysis data. An environment without a Tier-1 draws the first from all its
    sites too; one with fewer sites than `copies` holds one replica at each. A replica that finds no
    room is laid at the site with the most room left.

    Raises:
        InputError: a dataset has room nowhere.
    """
    sites = environment.sites
    weights = np.array([max(site.cores, 1) for site in sites], dtype=np.float64)
    large = np.array([site.tier <= 1 for site in sites])
    first_weights = np.where(large, weights, 0.0) if large.any() else weights
    random = generator(seed, "simulation", "replicas")
    # Exponential races: the least of E/w is drawn with probability proportional to w, the next
    # least so from the rest.
    with np.errstate(divide="ignore"):
        first_races = random.exponential(size=(len(dataset_bytes), len(sites))) / first_weights
    races = random.exponential(size=first_races.shape) / weights
    races[np.arange(len(races)), first_races.argmin(axis=1)] = -1.0
    preferred = np.argsort(races, axis=1, kind="stable")[:, :copies]
    if all(site.storage_bytes is None for site in sites):
        return [set(row) for row in preferred.tolist()]
    return _with_room(environment, dataset_bytes, preferred)


def _with_room(
    environment: Environment, dataset_bytes: np.ndarray, preferred: np.ndarray
) -> list[set[int]]:
    room = np.array(
        [np.inf if s.storage_bytes is None else s.storage_bytes for s in environment.sites]
    )
    replicas = []
    for dataset, (size, wanted) in enumerate(zip(dataset_bytes, preferred.tolist(), strict=True)):
        chosen: set[int] = set()
        for site in wanted:
            if site in chosen or room[site] < size:
                free = np.where([i in chosen for i in range(len(room))], -np.inf, room)
                site = int(free.argmax())
                if free[site] < size:
                    break
            chosen.add(site)
            room[site] -= size
        if not chosen:
            raise InputError(
                f"dataset {dataset} has {size:.3g} bytes, but no site has more room than "
                f"{room.max():.3g} bytes left for it, by the storage_bytes of the environment"
            )
        replicas.append(chosen)
    return replicas


def read_catalogue(
    path: str | Path, environment: Environment, names: Sequence[str], dataset_bytes: np.ndarray
) -> tuple[list[set[int]], np.ndarray]:
    """Read where the datasets of a job table lie.

    A CSV with the columns `dataset`, `sites` (separated by blanks) and, optionally, `bytes`.

    Args:
        path: the file.
        environment: whose sites it names.
        names: the datasets of the job table, in order.
        dataset_bytes: (d,) their bytes as the jobs have them, for datasets without `bytes`.

    Returns:
        For each dataset the indices of the sites that hold it, and (d,) bytes.

    Raises:
        InputError: a row is wrong, or a dataset of the job table has no replica.
    """
    index = {site.name: number for number, site in enumerate(environment.sites)}
    known = {name: number for number, name in enumerate(names)}
    replicas: list[set[int]] = [set() for _ in names]
    sizes = np.array(dataset_bytes, dtype=np.float64)
    require_intact(path)
    try:
        with open(path, encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            for column in ("dataset", "sites"):
                if column not in (reader.fieldnames or ()):
                    there = listed(reader.fieldnames or ["none"])
                    raise InputError(f"{path}: column {column!r} is missing; its columns: {there}")
            for row in reader:
                where = f"{path}: line {reader.line_num}: dataset {row['dataset']!r}"
                holders = (row["sites"] or "").split()
                if not holders:
                    raise InputError(f"{where} has no replica, expected sites separated by blanks")
                for site in holders:
                    if site not in index:
                        raise InputError(
                            f"{where}: there is no site {site!r}{suggested(site, index)}; the "
                            f"sites are {listed(list(index))}"
                        )
                if row["dataset"] in known:
                    number = known[row["dataset"]]
                    if replicas[number]:
                        raise InputError(f"{where} is there twice, expected one line a dataset")
                    replicas[number] = {index[site] for site in holders}
                    if row.get("bytes"):
                        sizes[number] = max(sizes[number], _bytes(where, row["bytes"]))
    except FileNotFoundError:
        raise InputError(f"{path}: no such catalogue of datasets") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV in UTF-8: {error}") from None
    for name, number in known.items():
        if not replicas[number] and sizes[number] > 0:
            raise InputError(
                f"{path}: dataset {name!r} of the job table has no replica, expected a line for it"
            )
    return replicas, sizes


def _bytes(where: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 2**63:
        raise InputError(f"{where}: bytes is {text!r}, expected a positive number")
    return value
