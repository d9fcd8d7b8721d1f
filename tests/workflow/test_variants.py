"""Variants in a run: SMOTE by imbalanced-learn beside REDWOOD's, SDV with options of its own."""

import json
from importlib.util import find_spec

import pytest
from scipy import stats

from redwood.tables import TableDescription, read_table, to_numbers

pytestmark = pytest.mark.workflow


@pytest.mark.skipif(find_spec("sdv") is None, reason="the extra sdv is not installed")
def test_sdv_is_trained_and_sampled_under_a_name_of_its_own(spare_projects):
    project = spare_projects()
    options = "{arguments: {default_distribution: norm}}"
    project.edit(
        "mini.yaml",
        "models: [smote, tvae]",
        f"models: [smote, tvae, normal], variants: {{normal: {{model: sdv, options: {options}}}}}",
    )
    answer = project.snakemake("--cores", "2", "results/mini/surrogates/normal/sample.parquet")
    assert answer.returncode == 0, answer.stdout[-5000:]
    folder = project.folder / "results/mini/surrogates/normal"
    trained = json.loads((folder / "model/train.json").read_text())
    assert (trained["model"], trained["fit"]["synthesizer"]) == ("sdv", "GaussianCopula")
    assert trained["options"]["arguments"] == {"default_distribution": "norm"}
    assert json.loads((folder / "sample.json").read_text())["rows"] > 0


def test_smote_by_both_engines_draws_from_one_law(spare_projects):
    project = spare_projects()
    project.edit(
        "mini.yaml",
        "models: [smote, tvae]",
        "models: [smote, tvae, reference], "
        "variants: {reference: {model: smote, options: {engine: imbalanced-learn}}}",
    )
    surrogates = project.folder / "results/mini/surrogates"
    stale = project.stale_jobs()
    assert stale["surrogates_train"] == stale["surrogates_sample"] == {"reference"}
    answer = project.snakemake("--cores", "2", "results/mini/surrogates/reference/sample.parquet")
    assert answer.returncode == 0, answer.stdout[-5000:]
    table = TableDescription.load(project.folder / "results/mini/records/table.json")
    features = table.only_features()
    ours, theirs = (
        read_table(surrogates / name / "sample.parquet", features)
        for name in ("smote", "reference")
    )
    assert len(ours) == len(theirs)
    assert not ours.equals(theirs), "the engines draw other random numbers"
    # So few rows tell coarse errors alone; tests/unit compare the laws closely.
    for column in features.numeric_features:
        test = stats.ks_2samp(*(to_numbers(t[column.name], column) for t in (ours, theirs)))
        assert test.pvalue > 1e-3, column.name
    for column in features.categorical_features:
        names = sorted({*ours[column.name], *theirs[column.name]})
        counts = [[(t[column.name] == name).sum() for name in names] for t in (ours, theirs)]
        if len(names) > 1:
            assert stats.chi2_contingency(counts).pvalue > 1e-3, column.name
