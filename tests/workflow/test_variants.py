"""One model twice in a run: SMOTE by REDWOOD and by imbalanced-learn, the reference."""

import pytest
from scipy import stats

from redwood.tables import TableDescription, read_table, to_numbers

pytestmark = pytest.mark.workflow


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
