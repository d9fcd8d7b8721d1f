"""Other simulators in the workflow: those that are there are run, the others are named."""

import os
from types import SimpleNamespace

import pytest
from snakemake_interface_executor_plugins.settings import ExecMode

from redwood.configuration import Simulation
from redwood.runs.preparing import engines_there
from redwood.simulation.engines import variable

VARIABLE = variable("wrench")


@pytest.fixture
def workflow(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    # Set first, so that what is set later is taken back.
    monkeypatch.setenv(VARIABLE, "")
    return SimpleNamespace(exec_mode=ExecMode.DEFAULT)


@pytest.fixture
def lines(monkeypatch):
    """What is logged as a warning."""
    said = []
    monkeypatch.setattr("snakemake.logging.logger.warning", said.append)
    return said


def test_by_default_no_other_engine_is_looked_for(workflow, lines):
    assert engines_there(workflow, Simulation()) == []
    assert not lines


def test_an_engine_that_is_not_there_is_left_out_with_one_line(workflow, lines):
    assert engines_there(workflow, Simulation(engines=("simgrid", "wrench"))) == []
    assert len(lines) == 1
    assert "wrench is left out: WRENCH: no wrench-daemon on the PATH; get WRENCH" in lines[0]


def test_a_job_of_a_run_does_not_say_it_again(workflow, lines):
    workflow.exec_mode = ExecMode.SUBPROCESS
    assert engines_there(workflow, Simulation(engines=("simgrid", "wrench"))) == []
    assert not lines


def test_jobs_find_a_program_where_the_configuration_says(workflow, lines, tmp_path):
    path = tmp_path / "wrench-daemon"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    chosen = Simulation(engines=("simgrid", "wrench"), programs={"wrench": str(path)})
    assert engines_there(workflow, chosen) == ["wrench"]
    assert os.environ[VARIABLE] == str(path)
    path.unlink()
    assert engines_there(workflow, chosen) == []
    assert f"{path}: no such executable" in lines[0]
