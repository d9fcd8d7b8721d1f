import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from redwood.errors import InputError
from redwood.paper.arrivals import draw_arrivals
from redwood.paper.correlations import draw_correlations
from redwood.paper.dcr import draw_dcr
from redwood.paper.distributions import draw_distributions
from redwood.paper.grid import draw_grid
from redwood.paper.runs import RunFolder, spread
from redwood.paper.samples import common_range, outside
from redwood.paper.site_load import draw_site_load
from redwood.paper.style import line_styles
from redwood.paper.transfer_map import draw_transfer_map
from redwood.tables import Column, TableDescription, read_table, write_table

RESOURCES = Path(__file__).resolve().parents[3] / "resources"
# The panels of the toy table: numbers first.
TOY = ("creationtime", "nfiles", "workload", "computingsite", "user")


def bytes_of(prefix) -> tuple[bytes, bytes]:
    png, pdf = (prefix.with_suffix(suffix).read_bytes() for suffix in (".png", ".pdf"))
    assert png.startswith(b"\x89PNG")
    assert pdf.startswith(b"%PDF")
    return png, pdf


def drawn_from(tables, draw, table="table", recorded="recorded", output="a", **models) -> dict:
    """Draw from files of these names, models=file; what the figure's JSON says."""
    samples = {model: tables / f"{file}.parquet" for model, file in models.items()}
    paths = tables / f"{table}.json", tables / f"{recorded}.parquet"
    draw(*paths, samples, 60, tables / output)
    return json.loads((tables / f"{output}.json").read_text())


@pytest.mark.parametrize("draw", [draw_distributions, draw_arrivals])
def test_figures_of_tables_are_the_same_bytes_for_the_same_data(tables, draw):
    for name in ("a", "b"):
        drawn_from(tables, draw, output=name, smote="sample")
    png, pdf = bytes_of(tables / "a")
    assert (png, pdf) == bytes_of(tables / "b")
    drawn_from(tables, draw, output="c", smote="recorded")
    assert bytes_of(tables / "c") != (png, pdf)
    assert not any(word in png for word in (b"Software", b"matplotlib", b"tIME"))
    assert not any(word in pdf for word in (b"CreationDate", b"Producer", b"matplotlib"))


def test_hashes_of_users_are_not_shown(tables, drawn):
    drawn_from(tables, draw_distributions, smote="sample")
    labels = {text.get_text() for axis in drawn[0].axes for text in axis.get_xticklabels()}
    assert {"user 1", "user 2", "CERN", "BNL"} <= labels
    assert not labels & {"3faa8b5d2468", "61cf9e7cd2cd"}


def test_bars_are_the_shares_of_recorded_rows_and_points_those_of_the_model(tables, drawn):
    description = TableDescription("sites", (Column("computingsite", "categorical"),))
    description.save(tables / "sites.json")
    recorded = ["A"] * 6 + ["B"] * 3 + ["C"]
    for name, values in (("real", recorded), ("model", ["A"] * 5 + ["Z"] * 5)):
        frame = pd.DataFrame({"computingsite": pd.Series(values, dtype=object)})
        write_table(frame, tables / f"{name}.parquet", description)
    summary = drawn_from(tables, draw_distributions, "sites", "real", tvae="model")
    (axis,) = drawn[0].axes
    assert [text.get_text() for text in axis.get_xticklabels()] == ["A", "B", "C", "1 other"]
    assert [bar.get_height() for bar in axis.patches] == [60, 30, 10, 0]
    assert list(axis.lines[0].get_ydata()) == [50, 0, 0, 50]
    assert summary["outside_of_the_panels"] == {"computingsite": {"other_categories": 1}}


def test_stray_values_are_counted_instead_of_squeezing_the_rest(tables, drawn):
    description = TableDescription.load(tables / "table.json")
    frame = read_table(tables / "sample.parquet", description)
    frame.loc[:2, "workload"] = [-5.0, 1e300, 1e300]
    write_table(frame, tables / "wild.parquet", description)
    summary = drawn_from(tables, draw_distributions, tabddpm="wild")
    panel = drawn[0].axes[TOY.index("workload")]
    assert panel.get_xlim()[1] < 8
    assert [text.get_text() for text in panel.texts] == ["1 % outside"]
    assert summary["outside_of_the_panels"]["workload"] == {"tabddpm": 3}


def test_small_whole_numbers_have_a_bin_each(tables, drawn):
    drawn_from(tables, draw_distributions, smote="sample")
    steps = drawn[0].axes[TOY.index("nfiles")].patches[0].get_data()
    np.testing.assert_allclose(10**steps.edges - 1, np.arange(0.5, 9))
    frame = pd.read_parquet(tables / "recorded.parquet")
    counts = frame["nfiles"].value_counts().reindex(range(1, 9), fill_value=0)
    np.testing.assert_allclose(steps.values, 100 * counts / len(frame))


def test_arrivals_are_scaled_to_as_many_rows_as_recorded(tables, drawn):
    description = TableDescription.load(tables / "table.json")
    frame = read_table(tables / "recorded.parquet", description)
    write_table(frame.iloc[:100], tables / "fewer.parquet", description)
    drawn_from(tables, draw_arrivals, smote="fewer")
    window, day = drawn[0].axes
    assert window.get_title(loc="left") == "jobs per day, scaled to recorded"
    assert window.get_ylabel() == "smote"
    assert sum(window.patches[-1].get_data().values) == pytest.approx(300)
    assert sum(window.patches[0].get_data().values) == 300
    assert sum(day.patches[-1].get_data().values) == pytest.approx(100)


@pytest.mark.parametrize("models", [1, 6])
def test_tables_without_categories_of_constants_and_up_to_six_models(tables, models):
    columns = TableDescription.load(tables / "table.json").columns
    numeric = TableDescription("numeric", tuple(c for c in columns if not c.is_categorical))
    numeric.save(tables / "numeric.json")
    rows = read_table(tables / "recorded.parquet", numeric)
    write_table(rows.assign(workload=3.0, nfiles=7), tables / "constant.parquet", numeric)
    samples = {f"m{i}": "sample" for i in range(models)}
    for draw in (draw_distributions, draw_arrivals):
        drawn_from(tables, draw, "numeric", **samples)
        drawn_from(tables, draw, "numeric", "constant", "b", copy="constant")
        bytes_of(tables / "a")
        bytes_of(tables / "b")


def test_what_cannot_be_drawn_is_named(tables):
    for draw in (draw_distributions, draw_arrivals):
        with pytest.raises(InputError, match=r"none.parquet: no such table"):
            drawn_from(tables, draw, smote="none")
        with pytest.raises(InputError, match="a model cannot be called 'recorded'"):
            draw(
                tables / "table.json", tables / "recorded.parquet", {"recorded": tables}, 60, tables
            )
    description = TableDescription("t", (Column("computingsite", "categorical"),))
    description.save(tables / "timeless.json")
    with pytest.raises(InputError, match=r"timeless.json: the table has no timestamp"):
        drawn_from(tables, draw_arrivals, "timeless", smote="recorded")
    empty = read_table(tables / "recorded.parquet", description).iloc[:0]
    write_table(empty, tables / "empty.parquet", description)
    with pytest.raises(InputError, match=r"empty.parquet: the table has no rows"):
        drawn_from(tables, draw_distributions, "timeless", smote="empty")


def test_models_are_told_apart_by_their_order_and_controls_by_their_role():
    models = [f"m{number}" for number in range(8)]
    alone = line_styles(["recorded", *models])
    assert len({style["color"] for style in alone.values()}) == 9
    with_controls = line_styles(["my_shuffle", "recorded", *models], ["my_shuffle"])
    assert alone == {name: with_controls[name] for name in alone}
    dotted = with_controls["my_shuffle"]
    assert dotted not in alone.values()
    assert all(dotted["linestyle"] != style["linestyle"] for style in alone.values())


def test_the_common_range_is_that_of_the_recorded_with_a_margin():
    values = {"recorded": np.array([0.0, 10.0]), "m": np.array([-1.0, 99.0, np.nan, np.inf])}
    assert common_range(values, 0.25) == (-1.0, 12.5)
    assert outside(values, -1.0, 12.5) == {"m": 3}


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


def test_differences_are_those_of_synthetic_and_real(evaluations, tmp_path, drawn):
    draw_correlations(evaluations, 60, tmp_path / "a")
    summary = json.loads((tmp_path / "a.json").read_text())
    assert summary["mean_absolute_difference"] == pytest.approx(
        {"fresh rows": 0.01, "smote": 0.0123, "tvae": 0.456}
    )
    matrix = drawn[0].axes[5].images[0].get_array()
    assert np.isnan(matrix.filled(np.nan).diagonal()).all()
    assert matrix[0, 1] == pytest.approx(-0.456)


def test_evaluations_of_other_features_are_refused(evaluations, tmp_path):
    path = evaluations[1] / "association.parquet"
    pd.read_parquet(path).replace("z", "w").to_parquet(path)
    with pytest.raises(InputError, match="smote and tvae: other features: w, z"):
        draw_correlations(evaluations, 60, tmp_path / "a")


def test_the_distances_are_a_cumulative_share(evaluations, tmp_path, drawn):
    frame = pd.DataFrame({"origin": ["synthetic"] * 4, "distance": [0.0, 0.0, 0.1, 1.0]})
    other = pd.DataFrame({"origin": ["holdout"] * 2, "distance": [0.1, 0.2]})
    pd.concat([frame, other]).to_parquet(evaluations[0] / "dcr.parquet")
    draw_dcr(evaluations[:1], 60, tmp_path / "a")
    curve = drawn[0].axes[0].lines[0]
    assert list(zip(*curve.get_data(), strict=True)) == [
        (0.0, 0), (0.0, 25), (0.0, 50), (0.1, 75), (1.0, 100), (1.0, 100),
    ]  # fmt: skip
    summary = json.loads((tmp_path / "a.json").read_text())
    assert summary["smote"] == {"rows": 4, "median": 0.05, "copies": 2}


def test_a_broken_file_of_an_evaluation_is_named(evaluations, tmp_path):
    path = evaluations[0] / "dcr.parquet"
    pd.read_parquet(path).drop(columns="distance").to_parquet(path)
    with pytest.raises(InputError, match=r"dcr.parquet: column 'distance' is missing"):
        draw_dcr(evaluations, 60, tmp_path / "a")
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(InputError, match=r"smote/dcr.parquet: not a parquet file"):
        draw_dcr(evaluations, 60, tmp_path / "a")


def test_the_grid_sums_the_sites_and_shows_all_of_the_highest_peak(runs, tmp_path, drawn):
    path = runs[0] / "seed-1/sites.parquet"
    frame = pd.read_parquet(path)
    frame.loc[0, "queued_jobs"] = 500.0
    frame.to_parquet(path)
    draw_grid(runs, 60, tmp_path / "a")
    axes = drawn[0].axes
    titles = [axis.get_title(loc="left") for axis in axes[:3]]
    assert titles == ["least_loaded\nbusy cores", "\nqueued jobs", "\nmoved [TB/h]"]
    # Recorded jobs are behind those of the model.
    busy, queued, moved = (axis.patches[0].get_data()[0] for axis in axes[:3])
    assert (busy[0], queued[0], moved[0]) == (2.0, 4.0, 2.0)
    assert axes[1].patches[1].get_data()[0].max() == 502
    assert all(axis.get_ylim() == (0, 1.05 * 502) for axis in (axes[1], axes[4]))
    assert axes[-1].get_xlabel() == "time [h]"
    assert [axis.get_ylabel() for axis in axes] == ["smote", *[""] * 5]
    summary = json.loads((tmp_path / "a.json").read_text())
    assert {"workload": "smote", "policy": "least_loaded", "seed": 1} in summary["drawn"]
    assert summary["not_drawn"] == 0


def test_a_grid_without_traffic_has_no_panels_for_it(runs, tmp_path, drawn):
    for path in tmp_path.rglob("sites.parquet"):
        pd.read_parquet(path).assign(bytes_in=0).to_parquet(path)
    draw_grid(runs, 60, tmp_path / "a")
    assert len(drawn[0].axes) == 4
    (runs[0] / "summary.json").write_text('{"workload": "smote", "seeds": [1]}')
    with pytest.raises(InputError, match=r"summary.json: not the summary .*'policy'"):
        draw_grid(runs, 60, tmp_path / "a")


def test_near_equals_are_not_drawn_twice(tmp_path):
    """Moved: 1000, 990, 980, 500, 10 and 1. By ratio 10 is farther from the ends than 500."""
    runs = []
    for number, moved in enumerate((1000, 990, 980, 500, 10, 1)):
        folder = tmp_path / f"p{number}"
        folder.mkdir()
        pd.DataFrame({"bytes": [float(moved)]}).to_parquet(folder / "flows.parquet")
        runs.append(RunFolder("recorded", "recorded", folder.name, 1, folder))

    def chosen(most, **how):
        return [run.policy for run in spread(runs, "flows", "bytes", most, **how)]

    assert chosen(3) == ["p0", "p3", "p5"]
    assert chosen(3, by_ratio=True) == ["p0", "p4", "p5"]
    assert chosen(9) == ["p0", "p1", "p2", "p3", "p4", "p5"]
    assert chosen(1) == ["p0"]


def test_of_many_policies_those_that_differ_are_drawn_and_the_others_counted(runs, tmp_path, drawn):
    """Seven policies under which 0, 1, … 6 jobs wait: the most, the least, and what is between."""
    folders = []
    for number in range(7):
        folder = tmp_path / "many" / f"p{number}"
        shutil.copytree(runs[0], folder)
        labels = {"workload": "recorded", "policy": folder.name, "seeds": [1]}
        (folder / "summary.json").write_text(json.dumps(labels))
        path = folder / "seed-1/sites.parquet"
        pd.read_parquet(path).assign(queued_jobs=float(number)).to_parquet(path)
        folders.append(folder)
    draw_grid(folders, 60, tmp_path / "a")
    titles = [axis.get_title(loc="left") for axis in drawn[0].axes[::3]]
    assert titles == ["p6\nbusy cores", "p0\nbusy cores"]
    assert json.loads((tmp_path / "a.json").read_text())["not_drawn"] == 5


@pytest.mark.parametrize(
    "draw",
    [
        draw_grid,
        draw_site_load,
        lambda runs, dpi, prefix: draw_transfer_map(runs, RESOURCES, dpi, prefix),
    ],
)
def test_figures_of_simulations_are_of_the_first_seed_and_name_what_is_missing(
    runs, tmp_path, draw
):
    draw(runs, 60, tmp_path / "all")
    for path in tmp_path.rglob("seed-2"):
        shutil.rmtree(path)
    draw(runs, 60, tmp_path / "first")
    assert bytes_of(tmp_path / "all") == bytes_of(tmp_path / "first")
    with pytest.raises(InputError, match=r"none/summary.json: no such summary of a simulation"):
        draw([tmp_path / "none"], 60, tmp_path / "a")
    shutil.rmtree(runs[2] / "seed-1")
    with pytest.raises(InputError, match=r"seed-1: no such folder of simulation"):
        draw(runs, 60, tmp_path / "a")


def test_the_load_of_sites_is_the_busy_share_and_outages_are_marked(runs, tmp_path, drawn):
    draw_site_load(runs, 60, tmp_path / "a")
    axis = drawn[0].axes[0]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["nowhere", "BNL-ATLAS"]
    busy, down = (mesh.get_array() for mesh in axis.collections)
    assert busy[:, 0].tolist() == [0.25, 0.5]
    assert np.argwhere(~np.ma.getmaskarray(down)).tolist() == [[0, 2]]
    summary = json.loads((tmp_path / "a.json").read_text())
    assert [entry["workload"] for entry in summary["drawn"]] == ["recorded", "recorded"]
    assert summary["intervals_with_an_outage"] == [1, 1]


def test_the_map_of_transfers_adds_up_clouds(runs, tmp_path, drawn):
    draw_transfer_map(runs, RESOURCES, 60, tmp_path / "a")
    axis = drawn[0].axes[0]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["US", "other"]
    moved = axis.images[0].get_array()
    assert moved.filled(0).tolist() == [[5.0, 1.0], [0.001, 0.0]]
    summary = json.loads((tmp_path / "a.json").read_text())
    assert summary["bytes"]["least_loaded"] == 6 * 10**12 + 10**9
    for path in tmp_path.rglob("flows.parquet"):
        pd.read_parquet(path).iloc[:0].to_parquet(path)
    draw_transfer_map(runs, RESOURCES, 60, tmp_path / "none")
    assert [text.get_text() for text in drawn[1].axes[0].texts] == ["no transfers"]
