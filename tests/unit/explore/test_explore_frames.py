"""Frames: what they add up to is what the tables of the simulation hold."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from made_up_results import SITES, copy_of

from redwood.errors import InputError
from redwood.explore.drawing import data_of, series_of
from redwood.explore.frames import MEANS, SUMS, read_frames
from redwood.explore.places import outline, places_of


@pytest.fixture
def folder(results):
    return results / "simulation" / "runs" / "recorded" / "round_robin" / "seed-1"


@pytest.mark.parametrize("most", [1, 5, 7, 240])
def test_frames_add_up_to_the_table_of_sites(folder, most):
    frames = read_frames(folder, most)
    table = pd.read_parquet(folder / "sites.parquet")
    assert len(frames.edges) - 1 <= most
    assert frames.names == list(SITES)
    interval = 600.0
    for site, name in enumerate(frames.names):
        own = table[table["site"] == name]
        for column in SUMS:
            assert frames.sites[column][site].sum() == own[column].sum()
        for column in MEANS:
            whole = (frames.sites[column][site] * np.diff(frames.edges)).sum()
            assert whole == pytest.approx(own[column].sum() * interval)


def test_traffic_is_every_byte_of_the_inputs_at_the_moment_of_their_arrival(folder):
    frames = read_frames(folder)
    jobs = pd.read_parquet(folder / "jobs.parquet")
    moved = jobs[jobs["source"].notna() & jobs["start"].notna()]
    assert frames.moved.sum() == moved["bytes_moved"].sum() > 0
    arrived = (moved["start"] - moved["queue_s"]).to_numpy()
    first = arrived < frames.edges[1]
    assert frames.moved[:, 0].sum() == moved["bytes_moved"].to_numpy()[first].sum()
    pairs = {(frames.names[a], frames.names[b]) for a, b in frames.routes}
    assert pairs == set(zip(moved["source"], moved["site"], strict=True))
    flows = pd.read_parquet(folder / "flows.parquet")
    assert frames.drawn_share == pytest.approx(frames.moved.sum() / flows["bytes"].sum())


def test_carbon_is_shown_where_jobs_have_it(results, tmp_path):
    folder = copy_of(results, tmp_path) / "simulation/runs/recorded/round_robin/seed-1"
    table = pq.read_table(folder / "jobs.parquet").drop_columns("carbon_g")
    pq.write_table(table, folder / "jobs.parquet")
    assert "carbon_g" not in read_frames(folder).sites
    grams = np.arange(len(table), dtype=float)
    pq.write_table(table.append_column("carbon_g", [grams]), folder / "jobs.parquet")
    frames = read_frames(folder)
    jobs = pd.read_parquet(folder / "jobs.parquet")
    counted = jobs[jobs["site"].notna() & jobs["end"].notna()]["carbon_g"]
    assert frames.sites["carbon_g"].sum() == pytest.approx(counted.sum())
    assert (series_of(frames)["carbon"] * frames.hours).sum() == pytest.approx(counted.sum() / 1000)


def test_the_browser_gets_every_frame_of_every_site(folder):
    frames = read_frames(folder)
    data = data_of(frames)
    shape = (len(SITES), len(frames.edges) - 1)
    busy = data["site_frames"]["busy"].reshape(shape)
    np.testing.assert_allclose(busy, frames.sites["busy_cores"], rtol=1e-6)
    assert data["route_frames"]["rate"].size == len(frames.routes) * shape[1]
    assert len(data["routes"]["xs"]) == len(frames.routes)


@pytest.mark.parametrize("table", ["sites", "jobs", "flows"])
def test_a_table_that_is_missing_damaged_or_of_another_version_is_named(table, results, tmp_path):
    folder = copy_of(results, tmp_path) / "simulation/runs/recorded/round_robin/seed-1"
    path = folder / f"{table}.parquet"
    pq.write_table(pq.read_table(path).select([0]), path)
    with pytest.raises(InputError, match=rf"{table}.parquet: lacks the column '.*simulate again"):
        read_frames(folder)
    path.write_bytes(b"half")
    with pytest.raises(InputError, match=rf"{table}.parquet: not a table in parquet"):
        read_frames(folder)
    path.unlink()
    with pytest.raises(InputError, match=rf"{table}.parquet: missing; simulate again"):
        read_frames(folder)


def test_sites_stand_where_they_are_and_no_two_at_the_same_place():
    names = ["CERN", "ANALY_FZK-LCG2_MCORE", "A", "B", "SARA-MATRIX", "NIKHEF-ELPROD"]
    places, known = places_of(names)
    assert known.tolist() == [True, True, False, False, True, True]
    np.testing.assert_allclose(places[:2], [(6.1, 46.2), (8.4, 49.1)])
    assert (places[2:4, 1] < -45).all()
    assert len(np.unique(places, axis=0)) == len(names)
    assert np.abs(places[4] - places[5]).max() < 1


def test_the_outline_holds_the_earth_and_no_ring_crosses_it():
    longitudes, latitudes = outline()
    every = np.concatenate([np.array(ring) for ring in longitudes])
    assert every.min() < -160
    assert every.max() <= 191
    for xs, ys in zip(longitudes, latitudes, strict=True):
        assert len(xs) == len(ys) > 3
        assert np.abs(np.diff(xs)).max() < 30
        assert (xs[0], ys[0]) == (xs[-1], ys[-1])
