from pathlib import Path

import pandas as pd
import pytest

from redwood.errors import InputError
from redwood.paper.rendering import Block, Page, plain_number, with_uncertainty
from redwood.paper.table1 import write_table1
from redwood.paper.table2 import policy_order, summarise, write_table2

ROOT = Path(__file__).resolve().parents[3]
PAPER = ROOT / "resources" / "paper_table1.csv"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.00123456, "0.00123"), (1.2345, "1.23"), (123.45, "123"), (98765.4, "98765")],
)
def test_numbers_to_three_significant_digits(value, text):
    assert plain_number(value) == text


def test_a_value_is_shown_to_two_digits_of_its_interval():
    assert with_uncertainty(0.012345, 0.0043, 0.0219) == "0.0123 [0.0043, 0.0219]"
    assert with_uncertainty(1.5219, 1.4989, 1.5449) == "1.522 [1.499, 1.545]"
    assert with_uncertainty(0.5, 0.5, 0.5) == "0.50 [0.50, 0.50]"


def test_the_paper_s_figures_are_those_it_prints():
    published = pd.read_csv(PAPER).pivot_table(index="model", columns="measure", values="value")
    assert published.loc["smote"].to_dict() == {
        "wd": 0.871, "jsd": 0.799, "diff_corr": 0.011, "dcr": 0.001, "diff_mlef": 0.058,
    }  # fmt: skip
    assert published.loc["ctabganplus", "wd"] == 1.0
    assert published.loc["tvae", "diff_mlef"] == 5.875
    assert published.loc["tabddpm", "dcr"] == 0.025


def test_table1_tidy_and_for_readers(evaluations, tmp_path):
    write_table1(evaluations, PAPER, tmp_path / "out/table1")
    tidy = pd.read_csv(tmp_path / "out/table1.csv")
    assert list(tidy.columns) == [
        "model", "measure", "value", "low", "high", "floor", "rows", "seeds",
    ]  # fmt: skip
    smote = tidy[(tidy["model"] == "smote") & (tidy["measure"] == "wd")].iloc[0]
    assert smote["value"] == 0.0123
    assert smote["rows"] == 100
    assert tidy.loc[tidy["measure"] == "jsd", "value"].isna().all()
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out/table1.parquet"), tidy)
    markdown = (tmp_path / "out/table1.md").read_text()
    assert "| smote | 0.0123 [0.0111, 0.0135] | – |" in markdown
    assert "| real against real | 0.00615 to 0.228 | – |" in markdown
    assert "| smote (paper) | 0.871 | 0.799 |" in markdown
    assert "smote, JSD: the table has no categorical feature." in markdown
    latex = (tmp_path / "out/table1.tex").read_text()
    assert r"100 \% of a\_b" in latex
    assert latex.count(r"\begin") == latex.count(r"\end") == 2
    assert "<td>smote</td>" in (tmp_path / "out/table1.html").read_text()


def test_a_missing_evaluation_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none/measures.json: no such evaluation"):
        write_table1([tmp_path / "none"], PAPER, tmp_path / "table1")


def outcomes(order_of_smote=("least_loaded", "recorded")) -> pd.DataFrame:
    rows = []
    for workload, order in (("recorded", ("least_loaded", "recorded")), ("smote", order_of_smote)):
        for place, policy in enumerate(order, start=1):
            for seed in (1, 2):
                value = 600.0 * place + 60 * seed
                rows.append((workload, policy, seed, "turnaround_mean", "s", value))
                rows.append((workload, policy, seed, "utilisation", "", 0.25))
                rows.append((workload, policy, seed, "wan_bytes", "bytes", 0.0))
    columns = ["workload", "policy", "seed", "outcome", "unit", "value"]
    return pd.DataFrame(rows, columns=columns)


def test_table2_is_the_mean_and_range_over_the_seeds(tmp_path):
    outcomes().to_csv(tmp_path / "outcomes.csv", index=False)
    write_table2(tmp_path / "outcomes.csv", tmp_path / "table2")
    tidy = pd.read_csv(tmp_path / "table2.csv", keep_default_na=False)
    assert list(tidy.columns) == [
        "workload", "policy", "outcome", "unit", "value", "low", "high", "seeds",
    ]  # fmt: skip
    first = tidy[tidy["outcome"] == "turnaround_mean"].iloc[0]
    assert (first["value"], first["low"], first["high"], first["seeds"]) == (690, 660, 720, 2)
    markdown = (tmp_path / "table2.md").read_text()
    assert "| recorded | 11.5 | 25.0 |" in markdown
    assert "moved" not in markdown


def test_table2_says_whether_synthetic_jobs_order_the_policies_as_recorded_ones_do(tmp_path):
    for order, verdict in (
        (("least_loaded", "recorded"), "the order of the recorded jobs"),
        (("recorded", "least_loaded"), "NOT that of recorded jobs"),
    ):
        outcomes(order).to_csv(tmp_path / "outcomes.csv", index=False)
        write_table2(tmp_path / "outcomes.csv", tmp_path / "table2")
        assert verdict in (tmp_path / "table2.md").read_text()
    assert policy_order(summarise(outcomes(order)), "smote") == ["recorded", "least_loaded"]


def test_what_is_no_table_of_outcomes_is_named(tmp_path):
    (tmp_path / "outcomes.csv").write_text("workload,policy\n")
    with pytest.raises(InputError, match="column 'seed' is missing; it has workload, policy"):
        write_table2(tmp_path / "outcomes.csv", tmp_path / "table2")
    outcomes().iloc[:0].to_csv(tmp_path / "outcomes.csv", index=False)
    with pytest.raises(InputError, match="no outcomes"):
        write_table2(tmp_path / "outcomes.csv", tmp_path / "table2")


def test_text_is_escaped_for_each_language():
    page = Page("T", "a_b & c", ["x|y"], [Block("<b>", [["1 % ↓"]])], ["n ≈ 1"])
    assert r"x\|y" in page.markdown()
    assert r"a\_b \& c" in page.latex()
    assert r"1 \% $\downarrow$" in page.latex()
    assert r"$\approx$" in page.latex()
    assert "&lt;b&gt;" in page.html()
