"""States of jobs from the accounting database, where the controller soon forgets them."""

import pytest
from tests.slurm import accounting
from tests.slurm.one_node import OneNodeSlurm
from tests.slurm.slurm_project import SlurmProject


@pytest.fixture(scope="module")
def forgetful_slurm(shared_files):
    reason = accounting.missing()
    if reason is not None:
        pytest.skip(reason)
    node = OneNodeSlurm(shared_files / "forgetful", min_job_age=2, accounting=True)
    node.start()
    yield node
    node.stop()


def test_a_run_is_told_of_jobs_that_the_controller_has_forgotten(
    forgetful_slurm, split_project, shared_files
):
    project = SlurmProject(split_project, shared_files / "accounted", forgetful_slurm)
    project.run("results/mini/surrogates/smote/sample.parquet")
    accounts = forgetful_slurm.run("sacct", "-X", "--noheader", "--format=State")
    assert accounts.split() == ["COMPLETED", "COMPLETED"]


def test_failures_are_told_with_their_state(forgetful_slurm, split_project, shared_files):
    project = SlurmProject(split_project, shared_files / "failed", forgetful_slurm)
    # Without its digest nobody notices that it is not what was made.
    results = project.folder / "results/mini"
    (results / "records/train.parquet").write_bytes(b"no table")
    (results / ".digests/records/train.parquet.sha256").unlink()
    output = project.run("results/mini/surrogates/smote/sample.parquet", retries=0, code=1)
    assert "SLURM status is: 'FAILED'" in output
    assert "results/mini/logs/surrogates_train_smote.log" in output
    assert "train.parquet" in project.log("surrogates_train_smote")
