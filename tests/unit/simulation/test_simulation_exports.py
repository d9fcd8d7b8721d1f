"""Scenarios as input files of other simulators: what these ask for, with our numbers."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import exported_case
import jsonschema
import pytest
from typer.testing import CliRunner

from redwood import plugins
from redwood.errors import InputError
from redwood.simulation import commands
from redwood.simulation.exporting import ABOUT, FORMATS, export_scenario
from redwood.simulation.exports import cgsim, dcsim

GOLDEN = Path(__file__).with_name("exports")
SCHEMAS = {"dcsim": exported_case.DCSIM, "cgsim": exported_case.CGSIM}


@pytest.fixture
def case(tmp_path):
    return exported_case.case(tmp_path)


@pytest.mark.parametrize("form", plugins.names(FORMATS))
def test_an_export_is_what_it_was(tmp_path, form):
    about = export_scenario(form, exported_case.scenario(tmp_path), tmp_path / "out")
    written = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("[!_]*")}
    assert json.loads(written.pop(ABOUT)) == about
    assert written == {path.name: path.read_bytes() for path in (GOLDEN / form).iterdir()}


@pytest.mark.parametrize("form", SCHEMAS)
def test_an_export_has_the_form_that_its_reader_asks_for(form):
    for name, schema in SCHEMAS[form].items():
        jsonschema.validate(json.loads((GOLDEN / form / name).read_text()), schema)


def test_dcsim_gets_every_job_that_can_run_and_no_other(case, tmp_path):
    dcsim.write(case, tmp_path)
    jobs = json.loads((tmp_path / dcsim.JOBS).read_text())
    inputs = json.loads((tmp_path / dcsim.INPUTS).read_text())
    # Row 3 was closed, row 5 needs more cores than there are.
    assert [int(tag) for tag in jobs] == [0, 1, 2, 4, 6]
    assert [int(tag) for tag in inputs] == [0, 1, 6]
    hosts = {
        host.get("id"): host.find("prop").get("value")
        for host in ElementTree.parse(tmp_path / dcsim.PLATFORM).iter("host")
    }
    assert sorted(hosts.values()) == ["executor,scheduler"] + ["storage"] * 3 + ["worker"] * 2
    for tag, job in jobs.items():
        assert (job["workload_type"] == "copy") == (tag in inputs)
        assert job.get("infile_datasets", [tag]) == [tag]
    for given in inputs.values():
        assert all(hosts[name] == "storage" for name in given["location"])
    # Of the two sites of data2 the one that reads faster.
    assert inputs["00000001"]["location"] == ["0002-TAPE-storage"]


def test_dcsim_is_told_our_run_times(tmp_path):
    """On sites whose cores are alike they are ours; what only computes has all of its cores."""
    alike = [
        {**site, "core_power": 20, "overhead_s": 100, "core_scaling": 0.8}
        for site in exported_case.SITES
    ]
    case = exported_case.case(tmp_path, environment={"sites": alike})
    dcsim.write(case, tmp_path)
    seconds = {
        int(tag): job["flops"]["average"] / 20e9 / (1 if "infile_datasets" in job else cores)
        for tag, job in json.loads((tmp_path / dcsim.JOBS).read_text()).items()
        for cores in [len(job["cores"]["counts"]) - 1]
    }
    assert seconds == pytest.approx(
        {
            0: 100 + 36000 / 20,
            1: 100 + 72000 / (20 * 2**0.8),
            2: 100 + 18000 / 20,
            4: 100 + 90000 / (20 * 4**0.8),
            6: 100 + 18000 / 20,
        }
    )


def _transfer_times(platform, pairs, size):
    from simgrid import Comm, Engine

    engine = Engine(
        ["test", "--cfg=network/model:CM02", "--cfg=network/crosstraffic:0",
         "--cfg=network/TCP-gamma:0", "--log=root.thresh:warning"]
    )  # fmt: skip
    engine.load_platform(platform)
    times = []
    for source, destination in pairs:
        begin = engine.clock
        ends = [engine.host_by_name(name) for name in (source, destination)]
        transfer = Comm.sendto_async(*ends, size)
        engine.run_until(begin + 1000.0)
        times.append(transfer.finish_time - begin)
    return times


def test_simgrid_reads_dcsims_platform_and_finds_our_paths(case, tmp_path, in_own_process):
    dcsim.write(case, tmp_path)
    a, cern = "0000-A____B_", "0001-CERN"
    pairs = [
        (f"{cern}-storage", a), (a, f"{cern}-storage"), ("0002-TAPE-storage", cern),
        (f"{a}-storage", a), ("submit", a),
    ]  # fmt: skip
    platform = str(tmp_path / dcsim.PLATFORM)
    times = in_own_process(_transfer_times, platform, pairs, 10**9)
    assert times == pytest.approx([5.03, 5.03, 1 / 3 + 0.001, 0, 0], abs=1e-4)


def test_cgsim_runs_a_job_at_its_recorded_site_as_long_as_we_do(case, tmp_path):
    """By the rule of its plug-ins: GFLOPS × CPU time × cores operations, on so many cores."""
    cgsim.write(case, tmp_path)
    sites = json.loads((tmp_path / cgsim.SITES).read_text())
    with open(tmp_path / cgsim.JOBS, newline="") as stream:
        jobs = {int(job["pandaid"]): job for job in csv.DictReader(stream)}
    assert list(jobs) == [0, 1, 2, 4, 5, 6]
    found = {}
    for row, job in jobs.items():
        site, cores = sites[job["computingsite"]], int(job["corecount"])
        cost = int(site["SITE_PROPERTIES"]["GFLOPS"]) * float(job["cpuconsumptiontime"]) * cores
        found[row] = cost / (site["CPUInfo"][0]["speed"] * cores)
    assert found == pytest.approx(
        {
            0: 100 + 36000 / 20,
            1: 100 + 72000 / (10 * 2**0.8),
            2: 100 + 18000 / 10,
            4: 100 + 90000 / (20 * 4**0.8),
            5: 100 + 90000 / (20 * 5**0.8),
            6: 100 + 18000 / 20,
        }
    )


def test_cgsims_jobs_name_files_that_lie_at_sites(case, tmp_path):
    cgsim.write(case, tmp_path)
    sites = json.loads((tmp_path / cgsim.SITES).read_text())
    there = {name: size for site in sites.values() for name, size in site["files"]}
    with open(tmp_path / cgsim.JOBS, newline="") as stream:
        for job in csv.DictReader(stream):
            reads = json.loads(job["files_info"] or "{}")
            assert len(reads) == int(job["ninputdatafiles"]) == (int(job["inputfilebytes"]) > 0)
            assert reads.items() <= there.items()
            assert (int(job["noutputdatafiles"]) == 1) == (int(job["outputfilebytes"]) > 0)
    for site in sites.values():
        held = sum(size for _, size in site["files"])
        assert held <= int(site["SITE_PROPERTIES"]["storage_capacity_bytes"])


@pytest.mark.parametrize("form", plugins.names(FORMATS))
@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"failures": "drawn"}, "failures"),
        ({"users": "closed"}, "users who wait"),
        ({"outputs": "tier1"}, "outputs"),
        ({"outages": [{"site": "CERN", "start_s": 0, "lasting_s": 1}]}, "outages"),
    ],
)
def test_what_is_not_expressed_is_said(tmp_path, form, more, words):
    def said(**keys):
        part = keys.pop("outages", ())
        scenario = exported_case.scenario(tmp_path, **keys)
        environment = scenario.read_environment()
        outages = environment.model_validate(
            {"sites": exported_case.SITES, "outages": part}
        ).outages
        environment = environment.model_copy(update={"outages": outages})
        return plugins.load(FORMATS, form).left_out(scenario, environment)

    assert [line for line in set(said(**more)) - set(said()) if words in line]


def test_names_that_a_format_cannot_have_are_bad_input(case, tmp_path):
    environment = case.run.environment
    sites = tuple(
        site.model_copy(update={"name": site.name.replace("TAPE", "TA:PE")})
        for site in environment.sites
    )
    odd = environment.model_copy(update={"sites": sites})
    with pytest.raises(InputError, match="'TA:PE': its name has a colon"):
        cgsim.write(replace(case, run=replace(case.run, environment=odd)), tmp_path)


def test_the_command_says_what_it_wrote_and_what_not(tmp_path):
    path = tmp_path / "scenario.json"
    exported_case.scenario(tmp_path).save(path)
    done = CliRunner().invoke(
        commands.app, ["export", str(path), "--for", "cgsim", "--output", str(tmp_path / "out")]
    )
    assert done.exit_code == 0
    assert re.search(r"out: 7 jobs at 3 sites for CGSim\nnot expressed: ", done.stderr)
    with pytest.raises(InputError, match="no 'cgsm'; there are cgsim, dcsim"):
        export_scenario("cgsm", exported_case.scenario(tmp_path), tmp_path / "other")
