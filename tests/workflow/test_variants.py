"""Variants in a run: SMOTE by imbalanced-learn, and SDV with options of its own."""

import json
from importlib.util import find_spec

import pytest
import yaml

pytestmark = pytest.mark.workflow
WITHOUT_SDV = pytest.mark.skipif(find_spec("sdv") is None, reason="the extra sdv is not installed")


@pytest.mark.parametrize(
    ("model", "options"),
    [
        pytest.param("sdv", "{arguments: {default_distribution: norm}}", marks=WITHOUT_SDV),
        ("smote", "{engine: imbalanced-learn}"),
    ],
)
def test_a_variant_is_trained_and_sampled_under_a_name_of_its_own(spare_projects, model, options):
    project = spare_projects()
    variants = f"variants: {{mine: {{model: {model}, options: {options}}}}}"
    project.edit("mini.yaml", "models: [smote, tvae]", f"models: [smote, tvae, mine], {variants}")
    stale = project.stale_jobs()
    assert stale["surrogates_train"] == stale["surrogates_sample"] == {"mine"}
    answer = project.snakemake("--cores", "2", "results/mini/surrogates/mine/sample.parquet")
    assert answer.returncode == 0, answer.stdout[-5000:]
    surrogates = project.folder / "results/mini/surrogates"
    trained = json.loads((surrogates / "mine/model/train.json").read_text())
    assert trained["model"] == model
    assert yaml.safe_load(options).items() <= trained["options"].items()
    assert json.loads((surrogates / "mine/sample.json").read_text())["rows"] > 0
    samples = [(surrogates / name / "sample.parquet").read_bytes() for name in ("smote", "mine")]
    assert samples[0] != samples[1], "the engines draw other random numbers"
