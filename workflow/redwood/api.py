"""The library in Python: what the commands do, with data frames where the commands have files.

Each function does what the command of that name does, by the same code, and leaves the same files,
so that you can go on with either. Everything below is also in the package itself: `redwood.clean`.

A path may be text or a `Path`. An error that a user can put right is an `InputError`, whose message
says how; a missing package of one of the library's extras is one as well.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa

from redwood.configuration import Cleaning, Evaluation, Generate, Simulation
from redwood.configuration import Split as SplitOptions
from redwood.errors import InputError
from redwood.extras import explained
from redwood.facts import fact_file
from redwood.inputs import read_json
from redwood.surrogates.contract import Surrogate
from redwood.tables import Column, TableDescription, read_parquet, read_table, write_table
from redwood.validation import read_section

if TYPE_CHECKING:
    from redwood.simulation.learning.environment import BrokerageEnv

__all__ = [
    "Column",
    "InputError",
    "Outcomes",
    "Records",
    "Split",
    "TableDescription",
    "brokerage_env",
    "clean",
    "compare",
    "evaluate",
    "generate_dump",
    "load_surrogate",
    "platform",
    "read_table",
    "sample",
    "simulate",
    "simulate_all",
    "train",
    "write_table",
]

PathLike = str | Path


def generate_dump(
    output: PathLike,
    *,
    jobs: int = 1500,
    days: int = 14,
    sites: int = 12,
    start: str = "2024-01-01",
    seed: int = 1,
) -> Path:
    """Write synthetic PanDA dumps, dirty as genuine ones, in several formats.

    Args:
        output: folder to write; what it held before is replaced.
        jobs: number of user-analysis jobs; other activities come on top.
        days: length of the recorded window in days.
        sites: number of computing sites.
        start: its first day, YYYY-MM-DD.
        seed: same seed, same bytes.

    Returns:
        The folder.

    Raises:
        InputError: a number is out of bounds.

    Example:
        >>> dump = redwood.generate_dump("dump", jobs=600, days=7, sites=6, seed=1)
    """
    from redwood.generator.dumps import generate

    values = {"start": start, "days": days, "sites": sites, "jobs": jobs}
    generate(read_section(Generate, values, "generate_dump"), seed, Path(output))
    return Path(output)


@dataclass(frozen=True)
class Split:
    """A table in three parts, as files: what surrogates learn from and what they are judged by.

    Attributes:
        table: the table's description, JSON.
        train: the rows to learn from, a file or a folder of parts.
        validation: rows that may steer when to stop, a file or a folder of parts.
        test: rows that no surrogate has seen, a file or a folder of parts.

    Example:
        A table of your own, whatever its columns:

        >>> mine = redwood.Split("table.json", "train.parquet", "more.parquet", "test.parquet")
    """

    table: PathLike
    train: PathLike
    validation: PathLike
    test: PathLike

    @property
    def description(self) -> TableDescription:
        """Columns, kinds and units of all parts."""
        return TableDescription.load(self.table)

    def read(self, part: str) -> pd.DataFrame:
        """The rows of `part`, which is "train", "validation" or "test".

        Raises:
            InputError: the file is missing, or does not fit the description.
        """
        return read_table(getattr(self, part), self.description)


@dataclass(frozen=True)
class Records:
    """The results of cleaning: the folder that `redwood records clean` writes.

    Attributes:
        folder: with `jobs/`, `table.json`, `rejected.parquet`, `cleaning.json` and `card.html`.
    """

    folder: Path

    @property
    def description(self) -> TableDescription:
        """Columns, kinds and units of the job table."""
        return TableDescription.load(self.folder / "table.json")

    @property
    def jobs(self) -> pd.DataFrame:
        """The job table, one row a job, by time of creation."""
        return read_table(self.folder / "jobs", self.description)

    @property
    def rejected(self) -> pd.DataFrame:
        """The rows that were left out, one row each, with file, line and reason."""
        return read_parquet(self.folder / "rejected.parquet")

    @property
    def account(self) -> dict[str, Any]:
        """How many rows came in, were kept, changed and left out, and why."""
        account: dict[str, Any] = read_json(self.folder / "cleaning.json", "account of cleaning")
        return account

    @property
    def card(self) -> Path:
        """The data card, a page that says whether the dump is usable."""
        return self.folder / "card.html"

    def split(
        self, output: PathLike | None = None, *, method: str = "random", seed: int = 1, **more: Any
    ) -> Split:
        """Divide the jobs into 60 % for training, 20 % for validation and the rest for the test.

        Args:
            output: folder for the parts; the records' own if `None`.
            method: "random", "time" (the test is the last) or "task" or
                "user" (no task, no user in two parts).
            seed: same seed, same parts.
            more: `train` and `validation`, shares of the rows; `rows`, to use only that many.

        Raises:
            InputError: an option is wrong, or a part would be empty.

        Example:
            >>> split = records.split(seed=1)
            >>> len(split.read("train")) > len(split.read("test"))
            True
        """
        from redwood.records.splitting import PARTS, split

        folder = self.folder if output is None else Path(output)
        options = read_section(SplitOptions, {"method": method} | more, "split")
        split(self.folder / "table.json", self.folder / "jobs", options, seed, folder)
        return Split(self.folder / "table.json", *(folder / f"{part}.parquet" for part in PARTS))


def clean(
    dumps: PathLike | Sequence[PathLike],
    output: PathLike,
    *,
    name: str = "jobs",
    seed: int = 0,
    sites: PathLike | None = None,
    workers: int | None = None,
    **options: Any,
) -> Records:
    """Clean raw dumps into the job table; every row is kept, or left out with a reason.

    CSV, JSON and Standard Workload Format (plain, .gz or .zst) and Parquet are read. Users and
    tasks become hashes, keyed by the environment variable REDWOOD_HASH_KEY, else by a random key.

    Args:
        dumps: a file, a folder or a glob, or several.
        output: folder for the job table, its account and the data card.
        name: what tables and pages call the job table.
        seed: of the run; keys the hashes of made-up users only.
        sites: table of sites; the one that the library brings if `None`.
        workers: dumps cleaned at the same time; one a processor if `None`.
        options: the keys of `records.cleaning` of the configuration (docs/records.md).

    Raises:
        InputError: no dump, one that cannot be read at all, or no row is left.

    Example:
        >>> records = redwood.clean(dump, "records")
        >>> {"creationtime", "computingsite", "workload"} <= set(records.jobs)
        True
    """
    from redwood.card.describing import card
    from redwood.records.cleaning import clean as clean_dumps
    from redwood.sites import SITES_FILE

    inputs = [dumps] if isinstance(dumps, str | Path) else dumps
    section, folder = read_section(Cleaning, options, "clean"), Path(output)
    site_table = SITES_FILE if sites is None else Path(sites)
    clean_dumps([Path(path) for path in inputs], folder, name, seed, section, site_table, workers)
    rejected, account = folder / "rejected.parquet", folder / "cleaning.json"
    card(folder / "table.json", folder / "jobs", account, rejected, None, folder)
    return Records(folder)


@explained()
def train(
    model: str,
    split: Split,
    output: PathLike,
    *,
    seed: int = 1,
    options: Mapping[str, Any] | None = None,
) -> Surrogate:
    """Train a surrogate, a generative model of a table, and write its folder.

    A training that was interrupted goes on when it is asked for again.

    Args:
        model: "sequoia", "smote", "tabddpm", …: a folder of `redwood.surrogates.models`.
        split: the table; training and validation rows are read.
        output: folder of the model; what it held before is replaced.
        seed: same seed, same model, on the same kind of machine.
        options: the model's options that differ from their defaults (docs/surrogates.md).

    Returns:
        The trained surrogate; `surrogate.sample(n, seed)` draws rows.

    Raises:
        InputError: there is no such model, an option is wrong, or rows cannot be learned.

    Example:
        >>> surrogate = redwood.train("smote", split, "model", seed=1)
    """
    from redwood.surrogates.training import train_model

    files = (Path(split.table), Path(split.train), Path(split.validation))
    train_model(model, *files, Path(output), options or {}, seed)
    return load_surrogate(output)


@explained()
def load_surrogate(folder: PathLike) -> Surrogate:
    """The trained surrogate in `folder`, as `train` wrote it.

    Raises:
        InputError: it is no folder of a model, is damaged, or of another version.

    Example:
        >>> rows = redwood.load_surrogate("model").sample(100, seed=1)
        >>> len(rows)
        100
    """
    from redwood.surrogates.contract import load_surrogate

    return load_surrogate(Path(folder))


@explained()
def sample(
    folder: PathLike,
    rows: int,
    output: PathLike,
    *,
    seed: int = 1,
    given: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Draw rows from the surrogate in `folder` into a table, which `simulate` can read.

    Args:
        folder: as `train` wrote it.
        rows: how many.
        output: the file.
        seed: same seed, same rows.
        given: column → value, or low..high, that all rows have; not every model can.

    Returns:
        The rows: (rows, features).

    Raises:
        InputError: it is no folder of a model, or the model cannot draw rows with what is given.

    Example:
        >>> rows = redwood.sample("model", 150, "sample.parquet", seed=1)
        >>> rows.shape == (150, len(split.description.features))
        True
    """
    from redwood.surrogates.sampling import sample_model

    sample_model(Path(folder), rows, seed, Path(output), given or {})
    return read_table(output, load_surrogate(folder).description)


@explained()
def evaluate(
    split: Split,
    synthetic: PathLike | pd.DataFrame | pa.Table,
    output: PathLike | None = None,
    *,
    seed: int = 1,
    **options: Any,
) -> pd.DataFrame:
    """Measure how faithful synthetic rows are, and how close they come to the training rows.

    Args:
        split: the table; training and test rows are read.
        synthetic: the rows, as a data frame or an Arrow table, or a file of them.
        output: folder for `measures.json` and what figures are drawn from; none if `None`.
        seed: of the real rows that are drawn for the floor.
        options: the keys of `evaluation` of the configuration: `measures=["wd", "dcr"]`, ….

    Returns:
        One row a measure, named as its module (docs/measures.md defines each): `value`; its 95 %
        interval `low` to `high`; `floor`, what real rows reach in place of the synthetic ones;
        `unit`, `direction`, `title`; `note`, which also says why what has no value has none.

    Raises:
        InputError: a table or an option is wrong, or there are too few rows.

    Example:
        >>> measures = redwood.evaluate(split, rows, measures=["wd", "dcr"], groups=5)
        >>> bool(measures.loc["wd", "value"] < 1)
        True
    """
    from redwood.evaluation import evaluating

    section = read_section(Evaluation, options, "evaluate")
    with TemporaryDirectory() as scratch:
        if isinstance(synthetic, str | Path):
            file = Path(synthetic)
        else:
            file = Path(scratch) / "synthetic.parquet"
            write_table(synthetic, file, split.description.only_features())
        folder = Path(scratch) / "measures" if output is None else Path(output)
        parts = (Path(split.table), Path(split.train), Path(split.test))
        evaluating.evaluate(*parts, file, folder, section, seed)
        measured = read_json(folder / "measures.json", "measures")["measures"]
    columns = ["value", "low", "high", "floor", "unit", "direction", "title", "note"]
    return pd.DataFrame.from_dict(measured, orient="index").reindex(columns=columns)


@explained()
def platform(split: Split, output: PathLike, **options: Any) -> Path:
    """Write the simulated grid: the sites of the training jobs, sized for the load of the test's.

    Args:
        split: the job table.
        output: the environment to write, JSON; scenarios name it.
        options: `load_factor`, `utilisation` and more keys of `simulation` of the configuration.

    Raises:
        InputError: an option is wrong, or the table lacks what a simulation needs.

    Example:
        >>> grid = redwood.platform(split, "platform.json", load_factor=4)
    """
    from redwood.simulation.commands import platform

    read_section(Simulation, options, "platform")
    platform(
        table=Path(split.table),
        jobs=Path(split.train),
        validation=Path(split.validation),
        rows_like=Path(split.test),
        resources=fact_file("sites.csv").parent,
        output=Path(output),
        options=json.dumps(options),
    )
    return Path(output)


@dataclass(frozen=True)
class Outcomes:
    """The outcomes of a simulated scenario: the folder that `redwood simulate` writes.

    Attributes:
        folder: with `summary.json` and a folder of tables for each seed.
    """

    folder: Path

    @property
    def summary(self) -> pd.DataFrame:
        """One row an outcome: mean over the seeds, its 95 % interval, unit and definition."""
        outcomes = self._read("summary.json")["outcomes"]
        return pd.DataFrame.from_dict(outcomes, orient="index")

    @property
    def by_seed(self) -> pd.DataFrame:
        """One row a seed, one column an outcome: (seeds, outcomes), in the summary's units.

        Two policies under the same seeds are best compared seed by seed.
        """
        values = {
            seed: {
                name: outcome["value"]
                for name, outcome in self._read(f"seed-{seed}/summary.json")["outcomes"].items()
            }
            for seed in self.seeds
        }
        return pd.DataFrame.from_dict(values, orient="index").rename_axis("seed")

    @property
    def jobs(self) -> pd.DataFrame:
        """One row a job: times in s, site, state, attempts, bytes moved; `seed` is its run's."""
        return self._table("jobs")

    @property
    def sites(self) -> pd.DataFrame:
        """One row a site and interval of time: busy cores, queue, bytes in and out, failures."""
        return self._table("sites")

    @property
    def seeds(self) -> list[int]:
        """The seeds of the runs."""
        return [int(seed) for seed in self._read("summary.json")["seeds"]]

    def _read(self, name: str) -> dict[str, Any]:
        content: dict[str, Any] = read_json(self.folder / name, "summary of a simulation")
        return content

    def _table(self, name: str) -> pd.DataFrame:
        files = [(seed, self.folder / f"seed-{seed}" / f"{name}.parquet") for seed in self.seeds]
        return pd.concat(
            [read_parquet(file).assign(seed=seed) for seed, file in files], ignore_index=True
        )


@explained()
def simulate(
    scenario: PathLike | Mapping[str, Any],
    output: PathLike,
    *,
    brokerage: Any = None,
    placement: Any = None,
    queue: Any = None,
) -> Outcomes:
    """Run a scenario on the simulated grid, with each of its seeds.

    Args:
        scenario: its file, or its keys and values (docs/simulation.md). Relative paths count from
            the file's folder, of keys and values from the one in which Python runs.
        output: folder for the outcomes; earlier runs in it are replaced.
        brokerage: who chooses the site of a job, in place of the scenario's: the name of a shipped
            policy, a function `choose(job, grid)` that answers with a site or `None`, or a class of
            `redwood.simulation.contract` or an instance of one.
        placement: who places replicas: a name, a class or an instance, likewise.
        queue: in which order a site starts its jobs, likewise.

    Raises:
        InputError: the scenario, a file that it names or a policy is wrong.

    Example:
        >>> scenario = {
        ...     "environment": "platform.json",
        ...     "workload": {"jobs": "sample.parquet", "table": "records/table.json"},
        ... }
        >>> def emptiest(job, grid):
        ...     return min(grid.able(job), key=lambda site: site.waiting_jobs, default=None)
        >>> outcomes = redwood.simulate(scenario, "mine", brokerage=emptiest)
        >>> bool(0 < outcomes.summary.loc["utilisation", "value"] < 1)
        True
    """
    from redwood.simulation.running import run_scenario
    from redwood.simulation.scenario import Scenario

    source = json.dumps(scenario) if isinstance(scenario, Mapping) else scenario
    chosen = Scenario.load(source)
    given = {"brokerage": brokerage, "placement": placement, "queue": queue}
    names = {kind: value for kind, value in given.items() if isinstance(value, str)}
    if names:
        policies = chosen.policies.model_dump() | names
        chosen = read_section(Scenario, chosen.model_dump() | {"policies": policies}, "simulate")
    objects = {kind: value for kind, value in given.items() if kind not in names}
    run_scenario(chosen, output, **objects)
    return Outcomes(Path(output))


@explained()
def simulate_all(scenario: PathLike | Mapping[str, Any], output: PathLike) -> list[Outcomes]:
    """Run every workload of a scenario under every policy of it, where either is a list.

    Runs that are there already, of the same scenario, files and code, are kept.

    Args:
        scenario: its file, or its keys and values, of which `workload` or `policies` is a list.
        output: folder for the runs, in folders WORKLOAD/POLICY of it.

    Returns:
        The outcomes of the runs.

    Raises:
        InputError: as `simulate`; neither is a list, or a name comes twice.

    Example:
        >>> runs = redwood.simulate_all(
        ...     {**scenario, "policies": ["least_loaded", "random"], "repetitions": 2}, "runs"
        ... )
        >>> len(runs)
        2
    """
    from redwood.simulation.scenario import load_scenarios
    from redwood.simulation.study import run_study

    source = json.dumps(scenario) if isinstance(scenario, Mapping) else scenario
    scenarios = load_scenarios(source)
    if "" in scenarios:
        raise InputError(
            "simulate_all: neither workload nor policies is a list: use redwood.simulate"
        )
    return [Outcomes(run) for run in run_study(scenarios, output)]


def compare(
    runs: PathLike | Outcomes | Sequence[PathLike | Outcomes],
    against: str | None = None,
    *,
    output: PathLike | None = None,
    figure: PathLike | None = None,
) -> pd.DataFrame:
    """Compare policies with a reference, paired by seed and by groups of jobs.

    Args:
        runs: outcomes, or folders of runs or of such, which differ in their policies, or besides in
            their workloads, and in nothing else.
        against: the policy that is the reference; that of the first run if `None`.
        output: the table to write, CSV; a JSON of the same name has Kendall's τ between workloads.
        figure: a figure of the ranks to write, PNG or PDF.

    Returns:
        One row a workload, policy and outcome (the index): `value`, `low`, `high`, `unit`, the
        `difference` to the reference in that unit, the `relative` one (0.1: ten per cent more),
        each with the ends of its 95 % interval (`difference_low`, …), and the `rank` with
        `rank_best` and `rank_worst`, which seeds and jobs leave open.

    Raises:
        InputError: there is one run only, runs cannot be compared, or `against` is no policy.

    Example:
        >>> table = redwood.compare("runs", against="random")
        >>> row = table.loc["recorded", "least_loaded", "turnaround_mean"]
        >>> bool(row["relative_low"] <= row["relative"] <= row["relative_high"])
        True
    """
    from redwood.comparing_command import write_compared

    given = [runs] if isinstance(runs, str | Path | Outcomes) else runs
    folders = [run.folder if isinstance(run, Outcomes) else run for run in given]
    paths = (None if path is None else Path(path) for path in (output, figure))
    table = write_compared(folders, against, *paths)[1]
    return table.set_index(["workload", "policy", "outcome"])


def brokerage_env(
    scenario: PathLike | Mapping[str, Any],
    *,
    surrogate: PathLike | None = None,
    rows: int | None = None,
    **options: Any,
) -> "BrokerageEnv":
    """A scenario as a Gymnasium environment, in which an agent learns to be the brokerage.

    Args:
        scenario: as of `simulate`, with `network: fluid` (docs/learning.md).
        surrogate: folder of a trained surrogate, from which each episode's jobs are drawn anew by
            its seed; the scenario's own jobs if `None`.
        rows: how many are drawn for an episode; as many as the scenario has jobs if `None`.
        options: of `redwood.simulation.learning.environment.BrokerageEnv`: `reward`,
            `jobs_per_episode`, `flat`, `may_decline`, `invalid`, `most_decisions`.

    Raises:
        InputError: the scenario, a file that it names or an option is wrong, or `surrogate` is no
            folder of a model.

    Example:
        >>> env = redwood.brokerage_env(scenario | {"network": "fluid"}, surrogate="model")
        >>> observed, info = env.reset(seed=1)
        >>> observed, reward, ended, truncated, info = env.step(env.action_masks().argmax())
        >>> bool(reward <= 0)
        True
    """
    from redwood.simulation.learning.environment import BrokerageEnv

    if surrogate is not None:
        model = load_surrogate(surrogate)
        recorded = BrokerageEnv(scenario).jobs if rows is None else ()
        options["jobs"] = lambda seed: model.sample(rows or len(recorded), seed)
    return BrokerageEnv(scenario, **options)
