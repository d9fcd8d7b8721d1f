"""Other realisations of generated records: other users, tasks and days, the same sites."""

from pathlib import Path

import pandas as pd
import pytest

from redwood.configuration import Cleaning, Generate
from redwood.generator.dumps import generate
from redwood.inputs import read_json
from redwood.realising_command import write_realisations
from redwood.records.cleaning import clean
from redwood.sites import SITES_FILE
from redwood.synthetic import MARKER
from redwood.tables import TableDescription, read_table, write_table

MADE = Generate(days=5, sites=6, jobs=600)


@pytest.fixture(scope="module")
def records(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    generate(MADE, 3, folder / "raw")
    clean([folder / "raw"], folder, "jobs", 3, Cleaning(), SITES_FILE, workers=1)
    description = TableDescription.load(folder / "table.json")
    rows = read_table(folder / "jobs", description)
    early = rows.sort_values("creationtime").iloc[: len(rows) // 2]
    write_table(early.iloc[::3], folder / "like.parquet", description)
    return folder


def realised(records: Path, output: Path, seed: int = 3) -> list[pd.DataFrame]:
    write_realisations(
        MADE, Cleaning(), seed, 2, records / "table.json", records / "like.parquet", SITES_FILE,
        output,
    )  # fmt: skip
    description = TableDescription.load(records / "table.json").with_units()
    return [read_table(output / f"{number}.parquet", description) for number in (1, 2)]


def test_each_has_other_users_and_tasks_at_the_same_sites_and_as_many_rows(records, tmp_path):
    description = TableDescription.load(records / "table.json")
    like = read_table(records / "like.parquet", description)
    made = [*realised(records, tmp_path / "made"), like]
    sites = set(read_table(records / "jobs", description)["computingsite"])
    for number, rows in enumerate(made[:2]):
        assert len(rows) == len(like)
        assert (
            rows["creationtime"]
            .between(like["creationtime"].min(), like["creationtime"].max())
            .all()
        )
        assert len(set(rows["computingsite"]) & sites) >= 5
        for other in made[number + 1 :]:
            assert not set(rows["size"]) & set(other["size"])
    assert not list(tmp_path.glob(".realisation*"))


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(records, tmp_path):
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        realised(records, tmp_path / name, seed)
    first, again, other = ((tmp_path / name / "1.parquet").read_bytes() for name in "abc")
    assert first == again != other


def test_the_grid_has_a_seed_of_its_own(tmp_path):
    for name, seeds in {"a": (5, None), "b": (5, 5), "c": (5, 6)}.items():
        generate(MADE, seeds[0], tmp_path / name, grid_seed=seeds[1])
    dump = "jobs_05.parquet"
    a, b, c = ((tmp_path / name / dump).read_bytes() for name in "abc")
    assert a == b != c
    assert "grid_seed" not in read_json(tmp_path / "b" / MARKER, "marker")
    assert read_json(tmp_path / "c" / MARKER, "marker")["grid_seed"] == 6
