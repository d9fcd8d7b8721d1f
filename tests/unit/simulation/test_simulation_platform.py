"""The platform: its sizing by hand, and its files."""

import json
from pathlib import Path

import pandas as pd
import pytest

from redwood.errors import InputError
from redwood.simulation.platform import Platform, build_platform
from redwood.tables import Column, TableDescription

RESOURCES = Path(__file__).parents[3] / "resources"
GIGABIT = 1e9 / 8

DESCRIPTION = TableDescription(
    "jobs",
    (
        Column("creationtime", "timestamp"),
        Column("computingsite", "categorical"),
        Column("workload", "numeric", "HS23·s", "log"),
    ),
)

SITES = """site,tier,country,cloud,core_power,cores,queues
BIG,T1,CH,CERN,20.0,100,BIG_QUEUE BIG_OTHER
SMALL,T2,DE,DE,,,
"""
NETWORK = """tier,bandwidth_gbps,storage_gbps,latency_ms,transfer_gbps,cores,source
T0,2000,2000,10,1,1000,assumption
T1,100,50,20,1,1000,assumption
T2,10,10,30,1,500,assumption
T3,1,1,40,1,100,assumption
"""


@pytest.fixture
def resources(tmp_path):
    (tmp_path / "sites.csv").write_text(SITES)
    (tmp_path / "network.csv").write_text(NETWORK)
    return tmp_path


def training(**work):
    """One job a site and thousand seconds, and the site's work all in its first."""
    rows = [
        (f"2024-01-01 00:{minute:02d}:00", site, total if minute == 0 else 0.0)
        for site, total in work.items()
        for minute in (0, 50)
    ]
    table = pd.DataFrame(rows, columns=["creationtime", "computingsite", "workload"])
    return table.assign(creationtime=pd.to_datetime(table["creationtime"], utc=True))


def build(resources, jobs, load_factor=1.0, utilisation=0.5, rate=None):
    return build_platform(jobs, DESCRIPTION, resources, load_factor, utilisation, rate)


def test_cores_are_demand_over_utilisation(resources):
    """6e6 HS23·s in 3,000 s at 20 HS23 per core ask for 100 cores; half busy that is 200."""
    jobs = training(BIG_QUEUE=6e6, SMALL=6e5)
    found = build(resources, jobs)
    assert [(site.name, site.cores) for site in found.sites] == [("BIG_QUEUE", 200), ("SMALL", 40)]
    assert [site.core_power for site in found.sites] == [20.0, 10.0]
    faster = build(resources, jobs, load_factor=3.0)
    assert [site.cores for site in faster.sites] == [600, 120]
    rate = len(jobs) / 3000 / 4
    assert [site.cores for site in build(resources, jobs, rate=rate).sites] == [50, 10]


def test_every_site_has_a_core_and_room_for_the_largest_job(resources):
    jobs = training(BIG_QUEUE=1.0, SMALL=0.0)
    assert [site.cores for site in build(resources, jobs).sites] == [1, 1]
    wide = jobs.assign(cores=[1, 8, 1, 1])
    assert [site.cores for site in build(resources, wide).sites] == [8, 8]


def test_links_are_the_slice_of_the_real_ones(resources):
    """BIG_OTHER has 50 of 100 cores, so half of 100 and of 50 Gb/s; SMALL one of 500, so 1 Gb/s."""
    found = build(resources, training(BIG_OTHER=1.5e6, SMALL=1.0))
    big, small = found.sites
    assert (big.cores, small.cores) == (50, 1)
    assert (big.bandwidth, big.storage_bandwidth) == (50 * GIGABIT, 25 * GIGABIT)
    assert (small.bandwidth, small.storage_bandwidth) == (1 * GIGABIT, 1 * GIGABIT)
    assert (big.latency, small.latency) == (0.02, 0.03)
    whole = build(resources, training(BIG_OTHER=1.5e8, SMALL=1.0)).sites[0]
    assert whole.bandwidth == 100 * GIGABIT


def test_unknown_sites_are_tier_2_of_default_power_and_named(resources):
    found = build(resources, training(ELSEWHERE=6e5, SMALL=1.0))
    assert found.summary["sites_without_facts"] == ["ELSEWHERE"]
    assert (found.sites[0].tier, found.sites[0].core_power, found.sites[0].cores) == (2, 10.0, 40)


def test_the_shipped_resources_can_be_read():
    found = build(RESOURCES, training(ANALY_BNL_VP=6e6, AGLT2=6e5))
    assert found.summary["sites_without_facts"] == []
    assert [(site.name, site.tier) for site in found.sites] == [("AGLT2", 2), ("ANALY_BNL_VP", 1)]


def test_a_platform_is_read_as_it_was_written(resources, tmp_path):
    built = build(resources, training(BIG_QUEUE=6e6, SMALL=6e5))
    built.save(tmp_path / "platform.json")
    assert Platform.load(tmp_path / "platform.json") == built


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("sites.csv", "20.0", "fast", r"row 1: core_power is 'fast', expected a positive number"),
        ("sites.csv", "T2", "tier 2", "row 2: tier is 'tier 2', expected T0, T1, T2 or T3"),
        ("sites.csv", "queues", "names", "column 'queues' is missing"),
        ("network.csv", "T3,1,1,40,1,100,assumption\n", "", "there is no row for tier 'T3'"),
        ("network.csv", "T1,100", "T1,-100", "row 2: bandwidth_gbps is '-100'"),
    ],
)
def test_faulty_resources_are_errors(resources, file, old, new, message):
    path = resources / file
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(InputError, match=message) as raised:
        build(resources, training(BIG_QUEUE=1.0))
    assert file in str(raised.value)


def test_missing_resources_are_an_error(tmp_path):
    with pytest.raises(InputError, match=r"sites\.csv: no such resource table"):
        build(tmp_path, training(BIG=1.0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cores": 0}, "S: cores is 0, expected at least 1"),
        ({"core_power": -1.0}, r"S: core_power is -1\.0, expected a positive number"),
        ({"latency": 0}, "S: latency is 0, expected a positive number"),
        ({"tier": 7}, "S: tier is 7, expected 0 to 3"),
        ({"colour": "red"}, r"sites\[0\] is not a site: .*colour"),
    ],
)
def test_a_faulty_platform_is_an_error(tmp_path, change, message):
    site = {"name": "S", "tier": 2, "cores": 1, "core_power": 10.0, "bandwidth": 1e9}
    site |= {"latency": 0.01, "storage_bandwidth": 1e9} | change
    path = tmp_path / "platform.json"
    path.write_text(json.dumps({"sites": [site]}))
    with pytest.raises(InputError, match=message):
        Platform.load(path)


@pytest.mark.parametrize("text", ["", "[1]", "{}", '{"sites": []}', '{"sites": [3]}'])
def test_what_is_no_platform_is_an_error(tmp_path, text):
    path = tmp_path / "platform.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"platform\.json"):
        Platform.load(path)
