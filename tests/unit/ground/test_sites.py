"""Queues and their sites, and that every stage takes a queue for the same site."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.unit.records.panda_job import JOB, write_csv

from redwood.configuration import Cleaning
from redwood.errors import InputError
from redwood.facts import fact_file
from redwood.records.cleaning import clean
from redwood.simulation.platform import Demand, build_platform
from redwood.sites import Site, SiteTable, default_core_power, load_sites
from redwood.tables import TableDescription, read_table

BNL = Site("BNL-ATLAS", ("ANALY_BNL_VP", "BNL_PROD"), 1, "US", 10.0)
FZK = Site("FZK-LCG2", ("FZK-LCG2",), 1, "DE", 12.56)
PIC = Site("pic", ("pic",), 1, "ES", 11.0)
TABLE = SiteTable([BNL, FZK, PIC])


@pytest.mark.parametrize(
    ("queue", "site"),
    [
        ("ANALY_BNL_VP", BNL),
        ("BNL_PROD", BNL),
        ("BNL_PROD_MCORE", BNL),
        ("bnl-atlas", BNL),
        ("ANALY_BNL_SHORT", BNL),
        ("FZK-LCG2_HIMEM_SL7", FZK),
        ("ANALY_FZK-LCG2", FZK),
        ("ANALY_PIC_SL7", PIC),
        ("Vega", None),
        ("MCORE", None),
        ("", None),
    ],
)
def test_queues_lead_to_sites(queue: str, site: Site | None) -> None:
    assert TABLE.find(queue) == site


@pytest.mark.parametrize(
    ("queue", "listed"),
    [
        *(("ANALY_CERN_MCORE", True), ("UKI-SCOTGRID-DURHAM_SL6", True), ("ANALY_WT2", True)),
        *(("ANALY_JDOE", False), ("CERN_JDOECORE", False), ("CERN_jdoe", False), ("", False)),
    ],
)
def test_queues_of_which_only_the_name_is_known_are_listed(queue: str, listed: bool) -> None:
    assert load_sites().is_listed(queue) is listed


def test_every_queue_of_the_resource_table_leads_to_its_site() -> None:
    table = load_sites()
    assert len(table.sites) == 87
    for site in table:
        for name in (site.name, *site.queues):
            assert table.find(name) == site


HEADER = "site,tier,core_power,queues\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("site,tier\nCERN,T0\n", "column 'core_power' is missing; it has site, tier"),
        (HEADER + "CERN,T0,none,CERN\n", "row 1: core_power is 'none', expected a positive number"),
        (HEADER + "CERN,T0,-1,CERN\n", "row 1: core_power is '-1'"),
        (HEADER + "CERN,T9,10,CERN\n", "row 1: tier is 'T9', expected T0, T1, T2 or T3"),
        (HEADER + "CERN,T0\n", "row 1 has fewer values than the header has columns"),
        (HEADER + "A,T0,,X\nB,T1,,X\n", "'x' stands for 'A' and for 'B'"),
    ],
)
def test_a_wrong_table(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "sites.csv"
    path.write_text(content)
    with pytest.raises(InputError, match=f"sites.csv: .*{message}"):
        load_sites(path)
    with pytest.raises(InputError, match=r"nothing\.csv: no such table of facts"):
        load_sites(tmp_path / "nothing.csv")


def test_what_is_not_known_of_a_site_may_be_empty(tmp_path: Path) -> None:
    (tmp_path / "sites.csv").write_text(f"# by hand\n{HEADER}CERN,T0,,\n")
    assert list(load_sites(tmp_path / "sites.csv")) == [Site("CERN", ("CERN",), 0)]


# CPU seconds of each job.
WORK = 1000.0


def clean_queues(folder: Path, queues: list[str], **options: float) -> Path:
    """One job at each queue, cleaned without folding; the folder of the job table."""
    job = {**JOB, "CPUCONSUMPTIONTIME": str(WORK)}
    jobs = [{**job, "PANDAID": str(i), "COMPUTINGSITE": queue} for i, queue in enumerate(queues)]
    write_csv(folder / "dump.csv", jobs)
    section = Cleaning(fold_sites=False, any_site_name=True, **options)
    clean([folder / "dump.csv"], folder / "records", "jobs", 1, section)
    return folder / "records"


def simulated(records: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The cleaned jobs and the sites of the platform that is built from them, by queue."""
    description = TableDescription.load(records / "table.json")
    jobs = read_table(records / "jobs", description.only_features())
    jobs["creationtime"] += pd.to_timedelta(np.arange(len(jobs)), "s")
    built = build_platform(jobs, None, description, fact_file(""), Demand())
    sites = pd.DataFrame([site.model_dump() for site in built.environment.sites])
    return jobs.set_index("computingsite").sort_index(), sites.set_index("name").sort_index()


def test_cleaning_and_simulation_take_a_queue_for_the_same_site(tmp_path: Path) -> None:
    """Four names that PanDA makes of each of 87 queues, with and without the prefix of analysis."""
    known = {
        f"{prefix}{site.queue}_{suffix}": site
        for site in load_sites()
        for prefix in ("", "ANALY_")
        for suffix in ("MCORE", "SHORT", "UNIFIED", "GPU")
    }
    assert len(known) == 2 * 348
    jobs, sites = simulated(clean_queues(tmp_path, list(known)))
    assert list(jobs.index) == list(sites.index) == sorted(known)
    assert (jobs["workload"] / WORK).to_numpy() == pytest.approx(sites["core_power"].to_numpy())
    for queue, site in known.items():
        assert (sites["core_power"][queue], sites["tier"][queue]) == (site.core_power, site.tier)
    assert (sites["core_power"]["FZK-LCG2_MCORE"], sites["tier"]["FZK-LCG2_MCORE"]) == (12.56, 1)


@pytest.mark.parametrize("power", [10.0, 11.5])
def test_the_core_power_of_unknown_sites_is_the_same_in_cleaning_and_simulation(
    tmp_path: Path, power: float
) -> None:
    records = clean_queues(tmp_path, ["ELSEWHERE", "FZK-LCG2"], default_core_power=power)
    jobs, sites = simulated(records)
    for queue, expected in (("ELSEWHERE", power), ("FZK-LCG2", 12.56)):
        assert jobs["workload"][queue] / WORK == sites["core_power"][queue] == expected
    assert ("assumptions" in json.loads((records / "table.json").read_text())) == (power != 10)


@pytest.mark.parametrize("power", [0, -1, float("nan"), float("inf")])
def test_an_impossible_core_power_of_unknown_sites(power: float) -> None:
    description = TableDescription("jobs", (), {"default_core_power": power})
    with pytest.raises(InputError, match=r"'jobs': assumptions\.default_core_power is .*expected"):
        default_core_power(description)
