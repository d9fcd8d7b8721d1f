import pandas as pd
import pytest

from redwood.errors import InputError
from redwood.paper.arrivals import draw_arrivals
from redwood.paper.correlations import draw_correlations
from redwood.paper.dcr import draw_dcr
from redwood.paper.distributions import draw_distributions
from redwood.paper.grid import draw_grid
from redwood.paper.reading import named_paths
from redwood.paper.training import draw_training


def bytes_of(prefix) -> tuple[bytes, bytes]:
    png, pdf = (prefix.with_suffix(suffix).read_bytes() for suffix in (".png", ".pdf"))
    assert png.startswith(b"\x89PNG")
    assert pdf.startswith(b"%PDF")
    return png, pdf


@pytest.mark.parametrize("draw", [draw_distributions, draw_arrivals])
def test_figures_of_tables_are_the_same_bytes_for_the_same_data(tables, draw):
    recorded, sample = tables / "recorded.parquet", tables / "sample.parquet"
    for name in ("a", "b"):
        draw(tables / "table.json", recorded, {"smote": sample}, 60, tables / name)
    assert bytes_of(tables / "a") == bytes_of(tables / "b")
    draw(tables / "table.json", recorded, {"smote": recorded}, 60, tables / "c")
    assert bytes_of(tables / "c") != bytes_of(tables / "a")


def test_hashes_of_users_are_not_shown(tables):
    from matplotlib import pyplot

    shown = []
    close, pyplot.close = pyplot.close, shown.append
    try:
        sample = {"smote": tables / "sample.parquet"}
        draw_distributions(
            tables / "table.json", tables / "recorded.parquet", sample, 60, tables / "a"
        )
    finally:
        pyplot.close = close
    labels = {text.get_text() for axis in shown[0].axes for text in axis.get_yticklabels()}
    assert {"user 1", "user 2", "CERN", "BNL"} <= labels
    assert not labels & {"3faa8b5d2468", "61cf9e7cd2cd"}


@pytest.mark.parametrize("draw", [draw_correlations, draw_dcr])
def test_figures_of_evaluations(evaluations, tmp_path, draw):
    for name in ("a", "b"):
        draw(evaluations, 60, tmp_path / name)
    assert bytes_of(tmp_path / "a") == bytes_of(tmp_path / "b")
    draw(evaluations[:1], 60, tmp_path / "one")
    assert bytes_of(tmp_path / "one") != bytes_of(tmp_path / "a")


@pytest.mark.parametrize(
    ("draw", "file", "measure"),
    [(draw_correlations, "association", "diff_corr"), (draw_dcr, "dcr", "dcr")],
)
def test_an_evaluation_without_the_measure_says_which(evaluations, tmp_path, draw, file, measure):
    (evaluations[1] / f"{file}.parquet").unlink()
    with pytest.raises(InputError, match=f"tvae: has no {file}.parquet: .* needs {measure}"):
        draw(evaluations, 60, tmp_path / "a")
    with pytest.raises(InputError, match="no such folder of evaluation"):
        draw([tmp_path / "none"], 60, tmp_path / "a")


def test_the_grid_is_drawn_from_the_first_seed_of_each_run(runs, tmp_path):
    draw_grid(runs, 60, tmp_path / "all")
    draw_grid([run for run in runs if run.name == "1"], 60, tmp_path / "first")
    draw_grid([run for run in runs if run.name == "2"], 60, tmp_path / "second")
    assert bytes_of(tmp_path / "all") == bytes_of(tmp_path / "first")
    assert bytes_of(tmp_path / "all") != bytes_of(tmp_path / "second")
    with pytest.raises(InputError, match=r"none/summary.json: no such summary of a simulation"):
        draw_grid([tmp_path / "none"], 60, tmp_path / "a")


def test_the_training_is_drawn_from_the_model_folder(tmp_path):
    folder = tmp_path / "tvae" / "model"
    folder.mkdir(parents=True)
    losses = pd.DataFrame({"epoch": [1, 2, 3], "train": [3, 2, 1], "validation": [3.0, 2.5, 2.6]})
    losses.to_csv(folder / "losses.csv", index=False)
    draw_training([folder], 60, tmp_path / "a")
    bytes_of(tmp_path / "a")
    with pytest.raises(InputError, match=r"losses.csv: no such table"):
        draw_training([tmp_path], 60, tmp_path / "b")


def test_named_paths_are_checked():
    assert list(named_paths(["a=x", "b=y=z"], "--synthetic")) == ["a", "b"]
    with pytest.raises(InputError, match=r"--synthetic is 'x', expected MODEL=PATH"):
        named_paths(["x"], "--synthetic")
    with pytest.raises(InputError, match="'a' is given twice"):
        named_paths(["a=x", "a=y"], "--synthetic")
