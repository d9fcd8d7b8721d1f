"""`surrogates.seeds`: what is made of each model several times, and what reads it."""

import re
from collections import Counter

import pytest
from tests.project import Project

pytestmark = pytest.mark.workflow


def test_each_training_has_a_seed_and_an_evaluation_of_its_own(tmp_path):
    project = Project.copied(tmp_path)
    code, text = project.dry_run("--printshellcmds", "--config", "surrogates={seeds: 3}")
    assert code == 0, text
    jobs = Counter(re.findall(r"^ *(?:local)?rule (\w+):$", text, re.MULTILINE))
    repeated = ("surrogates_train", "surrogates_sample", "evaluate")
    assert {jobs[rule] for rule in repeated} == {2 * 3}
    assert (jobs["release_train"], jobs["simulate"]) == (1, 2 * 4)
    commands = [line for line in text.splitlines() if "python -m redwood" in line]

    def command(*words: str) -> str:
        [found] = {line for line in commands if all(word in line for word in words)}
        return found

    for place, seed in (("", 2410), ("trainings/2/", 2411), ("trainings/3/", 2412)):
        folder = f"results/mini/{place}"
        for step, output in (("train", "model"), ("sample", "sample.parquet")):
            made = f"--output {folder}surrogates/smote/{output} "
            assert f"--seed {seed} " in command(f"surrogates {step}", made)
        evaluated = command("redwood evaluate", f"--output {folder}evaluation/smote ")
        assert f"--synthetic {folder}surrogates/smote/sample.parquet" in evaluated
        assert "--seed 2410 " in evaluated
    folders = [f"results/mini/{n}evaluation/smote" for n in ("", "trainings/2/", "trainings/3/")]
    assert re.findall(r"\S+/evaluation/smote", command("paper table1")) == folders
    assert re.findall(r"\S+/evaluation/smote", command("figure dcr")) == folders[:1]
