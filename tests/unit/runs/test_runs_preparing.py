"""What a run is prepared for: a clock that was wrong, and limits that are too low."""

import os
import signal
import threading
import time
from types import SimpleNamespace

import pytest

from redwood.configuration import validate
from redwood.errors import InputError
from redwood.outputs import writing, writing_folder
from redwood.runs import preparing, run_progress
from redwood.runs.preparing import amend_sigterm, begin, redate_future, remove_abandoned


def test_files_from_the_future_are_dated_now_and_others_keep_their_time(tmp_path):
    now = time.time()
    for name, hours in (("old", -5), ("folder/new", 5), ("folder/.hidden", 50)):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
        os.utime(path, (now + hours * 3600,) * 2)
    (tmp_path / "nowhere").symlink_to("missing")
    redate_future([tmp_path, tmp_path / "missing"])
    times = {path.name: path.lstat().st_mtime for path in tmp_path.rglob("*")}
    assert abs(times["old"] - (now - 5 * 3600)) < 1
    assert all(abs(times[name] - now) < 10 for name in ("new", ".hidden"))


def test_a_sigterm_while_jobs_are_selected_does_not_hang():
    class Scheduler:
        """Of Snakemake's what matters here."""

        lock, ended = threading.Lock(), threading.Event()

        def exit_gracefully(self, *_):
            with self.lock:
                self.ended.set()

    amend_sigterm(Scheduler)
    scheduler = Scheduler()
    before = signal.signal(signal.SIGTERM, scheduler.exit_gracefully)
    try:
        with scheduler.lock:
            os.kill(os.getpid(), signal.SIGTERM)
        assert scheduler.ended.wait(10)
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_killed_processes_left_is_removed_and_nothing_else(tmp_path):
    killed = os.fork()
    if killed == 0:
        with writing_folder(tmp_path / "deep" / "made") as folder, writing(folder / "x") as partial:
            partial.touch()
            os.kill(os.getpid(), 9)
    os.waitpid(killed, 0)
    (left,) = (tmp_path / "deep").iterdir()
    assert len(list(left.iterdir())) == 1
    (tmp_path / "mine.partial").touch()
    with writing(tmp_path / "deep" / "other") as partial:
        partial.touch()
        remove_abandoned(tmp_path)
        assert {path.name for path in tmp_path.rglob("*")} == {"deep", "mine.partial", partial.name}


def test_a_policy_whose_file_is_missing_is_named_with_its_key_and_where_it_was_sought(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    mine = {"name": "mine", "brokerage": "policies/mine.py:best"}
    configuration = validate({"simulation": {"policies": ["random", mine]}})
    with pytest.raises(
        InputError,
        match=r"^simulation\.policies: mine: policies/mine\.py: no such file; relative paths of a "
        rf"configuration count from the project's root, {tmp_path}$",
    ):
        preparing._require_policies(configuration)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/mine.py").touch()
    preparing._require_policies(configuration)


@pytest.mark.parametrize(("mode", "on_cluster"), [("DEFAULT", 1), ("DEFAULT", 0), ("REMOTE", 0)])
def test_a_run_ends_with_its_starter_and_warns_of_the_limits_of_its_jobs_on_a_cluster(
    monkeypatch, mode, on_cluster
):
    """A job's own snakemake on a node, which knows the starter's number, does not end with it."""
    from snakemake.logging import logger
    from snakemake_interface_executor_plugins.settings import ExecMode

    ended = []
    monkeypatch.setattr(preparing, "_STARTER", "1234")
    monkeypatch.setattr(preparing, "end_with", lambda *about: ended.append(about))

    jobs = [
        SimpleNamespace(rule=SimpleNamespace(name=rule), wildcards_dict={"model": "smote"})
        for rule in ("evaluate", "all")
    ]
    said, shown = [], []
    monkeypatch.setattr(logger, "warning", said.append)
    monkeypatch.setattr(run_progress, "show_progress", lambda workflow, _: shown.append(workflow))
    begin(
        SimpleNamespace(
            exec_mode=ExecMode[mode],
            non_local_exec=on_cluster,
            dag=SimpleNamespace(needrun_jobs=lambda: iter(jobs)),
        ),
        SimpleNamespace(beyond_limits=lambda given: [f"{rule} {names}" for rule, names in given]),
    )
    assert said == ["evaluate {'model': 'smote'}"] * on_cluster
    by = signal.SIGINT if on_cluster else signal.SIGKILL
    assert ended == ([] if mode == "REMOTE" else [(1234, by)])
    assert len(shown) == (mode != "REMOTE")
