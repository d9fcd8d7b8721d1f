"""The figure of planted units found by their size."""

import json

import pytest

from redwood.errors import InputError
from redwood.inputs import read_json
from redwood.paper.found_shares import draw_found_shares


def decision(folder, model, **levels):
    """A decision with a share at each size of each level."""
    sizes = {
        level: [
            {"size": size, "rows": [size, size], "planted": 40, "others": 280}
            | {"found": share, "at_most": min(1.0, share + 0.1)}
            for size, share in shares.items()
        ]
        for level, shares in levels.items()
    }
    (folder / model).mkdir()
    (folder / model / "decision.json").write_text(json.dumps({"model": model, "sizes": sizes}))
    return folder / model


def test_each_model_has_its_share_at_each_size(tmp_path):
    tasks, users = {1: 0.1, 5: 0.5, 200: 1.0}, {1: 0.1, 5: 0.4}
    folders = [
        decision(tmp_path, "sequoia", record={1: 0.1}, task=tasks, user=users),
        decision(tmp_path, "smote", record={1: 0.3}, task={1: 0.2, 5: 0.2}, user={}),
    ]
    draw_found_shares(folders, 60, tmp_path / "found")
    summary = read_json(tmp_path / "found.json", "summary")
    shares = {size["size"]: size["found"] for size in summary["task"]["sequoia"]}
    assert shares == tasks
    assert set(summary["user"]) == {"sequoia"}
    assert (tmp_path / "found.png").stat().st_size > 5000
    assert (tmp_path / "found.pdf").read_bytes().startswith(b"%PDF")


def test_a_table_without_units_has_its_records(tmp_path):
    draw_found_shares([decision(tmp_path, "a", record={1: 0.1})], 60, tmp_path / "found")
    assert read_json(tmp_path / "found.json", "summary")["record"]["a"][0]["found"] == 0.1


def test_what_cannot_be_drawn_is_refused(tmp_path):
    with pytest.raises(InputError, match="no canaries were planted"):
        draw_found_shares([decision(tmp_path, "none")], 60, tmp_path / "found")
    (tmp_path / "none" / "decision.json").write_text("{}")
    with pytest.raises(InputError, match="made again by `redwood release decide`"):
        draw_found_shares([tmp_path / "none"], 60, tmp_path / "found")
