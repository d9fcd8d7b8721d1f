"""Engines are plug-ins: found or not, chosen by name, and compared."""

import json

import pytest
from typer.testing import CliRunner

from redwood import plugins
from redwood.command_line import _register_stages, app
from redwood.configuration import Simulation
from redwood.errors import InputError
from redwood.simulation import engines
from redwood.simulation.engine_comparison import compare_engines
from redwood.simulation.running import run_scenario
from redwood.simulation.scenario import Scenario
from redwood.validation import read_section

OTHERS = [name for name in plugins.names(engines.__name__) if name != engines.OURS]
SMALL = {
    "environment": {"sites": [{"name": "A", "cores": 1}, {"name": "B", "cores": 1}]},
    "policies": "least_loaded",
}


@pytest.fixture
def small(tmp_path):
    """Keys and values of a scenario of three jobs."""
    rows = "\n".join(f"2024-01-01T00:00:0{second}Z,A,100" for second in range(3))
    (tmp_path / "jobs.csv").write_text(f"creationtime,computingsite,workload\n{rows}\n")
    return {**SMALL, "workload": {"jobs": str(tmp_path / "jobs.csv")}}


@pytest.fixture
def nothing_there(monkeypatch):
    """No program of any engine can be found."""
    monkeypatch.setenv("PATH", "/nowhere")
    for name in OTHERS:
        monkeypatch.delenv(engines.variable(name), raising=False)


@pytest.mark.parametrize("name", plugins.names(engines.__name__))
def test_an_engine_says_what_it_is(name):
    engine = engines.load(name)
    for constant in ("TITLE", "LICENCE", "WHERE"):
        assert getattr(engine, constant).strip()
    assert engine.VERSIONS
    assert isinstance(engine.ASKS_POLICIES, bool)
    assert callable(engine.version)
    assert callable(engine.simulate)
    assert (engine.EXECUTABLE is None) == (name == engines.OURS)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.usefixtures("nothing_there")
def test_an_engine_that_is_not_there_is_an_error_that_says_where_to_get_it(name, small, tmp_path):
    engine = engines.load(name)
    with pytest.raises(InputError) as told:
        run_scenario(Scenario.load({**small, "engine": name}), tmp_path / "run")
    assert f"no {engine.EXECUTABLE} on the PATH" in str(told.value)
    assert engine.WHERE in str(told.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.usefixtures("nothing_there")
def test_a_survey_tells_of_every_engine():
    found = {one.name: one for one in engines.survey({"wrench": "/nowhere/wrench-daemon"})}
    assert set(found) == {engines.OURS, *OTHERS}
    assert found[engines.OURS].usable
    assert not any(found[name].usable for name in OTHERS)
    assert "/nowhere/wrench-daemon: no such executable" in str(found["wrench"])
    said = CliRunner().invoke(_app(), ["simulation", "engines", "list"]).stdout
    assert "wrench: WRENCH: no wrench-daemon on the PATH; get WRENCH 2.8" in said


def _app():
    if not app.registered_groups:
        _register_stages()
    return app


def test_a_variable_says_where_a_program_is(tmp_path, monkeypatch):
    path = tmp_path / "mine"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    monkeypatch.setenv("REDWOOD_WRENCH", str(path))
    assert engines.find("wrench").program.place == str(path)


def test_an_unknown_engine_is_an_error_that_lists_those_there_are(small, tmp_path):
    with pytest.raises(InputError, match=r"engine is 'sim': 'sim' is unknown; there are .*simg"):
        Scenario.load({**small, "engine": "sim"})
    with pytest.raises(InputError, match=r"'sim' is unknown"):
        read_section(Simulation, {"engines": ["simgrid", "sim"]}, "simulation")
    with pytest.raises(InputError, match="'simgrid' is missing: the tables are made of its runs"):
        read_section(Simulation, {"engines": ["wrench"]}, "simulation")
    with pytest.raises(InputError, match=r"'sim' is unknown"):
        read_section(Simulation, {"programs": {"sim": "/bin/sim"}}, "simulation")


def test_runs_are_compared_only_with_the_same_of_ours(small, tmp_path):
    ours = tmp_path / "ours"
    summary = run_scenario(Scenario.load(small), ours)
    assert summary["engine"] == {"name": "simgrid", "version": None, "left_out": []}
    other = tmp_path / "other"
    run_scenario(Scenario.load({**small, "load_factor": 2.0}), other)
    (other / "_contents.sha256").unlink()
    for path in (other / "summary.json", other / "scenario.json"):
        content = json.loads(path.read_text())
        content["engine"] = {"name": "wrench", "version": None, "left_out": []}
        path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"load_factor is '2.0', there '1.0'"):
        compare_engines([ours, other])
    with pytest.raises(InputError, match="no run of simgrid with workload 'recorded' and policy"):
        compare_engines([other])
