"""Names of datasets, against genuine names and against anything at all."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from redwood.readers.dataset_names import (
    DatasetName,
    is_official_type,
    is_robot,
    parse,
    parse_project,
)

EXAMPLES = Path(__file__).parents[4] / "shared" / "data" / "dataset_names" / "examples.tsv"
UNOFFICIAL = {"group", "user", "panda_um_user", "panda_um_prod", "panda_lib", "panda_dis"}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "mc20_13TeV.410470.PhPy8EG_ttbar.deriv.DAOD_PHYS.e6337_s3681_r13145_p4856",
            DatasetName("mc20_13TeV", "deriv", "PHYS", True),
        ),
        (
            "data22_13p6TeV:data22_13p6TeV.00428770.physics_Main.deriv.DAOD_PHYS.r13928_tid1_00/",
            DatasetName("data22_13p6TeV", "deriv", "PHYS", True),
        ),
        (
            "data15_13TeV.periodAllYear.physics_Main.PhysCont.DAOD_PHYSLITE.grp15_v01_p5631",
            DatasetName("data15_13TeV", "PhysCont", "PHYSLITE", True),
        ),
        (
            "data15_13TeV:data15_13TeV.00284420.physics_Main.daq.RAW",
            DatasetName("data15_13TeV", "daq", "RAW", False),
        ),
        (
            "valid2.147917.Pythia8_jetjet.recon.DAOD_IDTRKVALID.e3099_s2896",
            DatasetName("valid2", "recon", "IDTRKVALID", True),
        ),
        *(
            (
                f"{project}.361024.Pythia8EvtGen_jetjet.recon.DAOD_IDTRKVALID.e3668_s2832",
                DatasetName(project, "recon", "IDTRKVALID", True),
            )
            for project in ("mc15_valid", "mc16_valid", "data16_valid", "data09_calocomm")
        ),
        ("mc15_janedoe.1.x.recon.DAOD_PHYS.e1", DatasetName()),
        ("group.perf-idtracking.postd0fix..00304337.merge.DESDM_ZMUMU/", DatasetName()),
        ("user.u0001.data16_13TeV.00309640.physics_Main.recon.DAOD_RPVLL.f750", DatasetName()),
        ("panda.um.data16_13TeV.00305920.physics_Main.merge.log.f730", DatasetName()),
        ("mc20_13TeV..ttbar.deriv.DAOD_PHYS.e6337", DatasetName()),
        ("", DatasetName()),
    ],
)
def test_fields_of_a_name(name: str, expected: DatasetName) -> None:
    assert parse(name) == expected


@pytest.mark.skipif(
    not EXAMPLES.exists(), reason="needs genuine data, which is not in the repository"
)
def test_genuine_names() -> None:
    with EXAMPLES.open(newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    checked = 0
    for row in rows:
        if row["kind"] == "inputfileproject_dirty":
            continue
        checked += 1
        parsed = parse(row["name"])
        if row["kind"] in UNOFFICIAL:
            assert parsed == DatasetName(), row["name"]
        else:
            data_type = row["dataType"].removeprefix("DAOD_")
            is_daod = row["dataType"].startswith("DAOD_")
            assert parsed == (row["project"], row["prodStep"], data_type, is_daod), row["name"]
    assert checked == 27


@pytest.mark.parametrize(
    ("value", "project"),
    [
        ("mc15_13TeV:mc15_13TeV", "mc15_13TeV"),
        ("data18_13TeV", "data18_13TeV"),
        ("hc_test:mc15_13TeV", "mc15_13TeV"),
        ("group", None),
        ("user.u0001", None),
        ("panda", None),
    ],
)
def test_project_of_input_files(value: str, project: str | None) -> None:
    assert parse_project(value) == project


def test_robots_are_told_by_their_scope() -> None:
    assert is_robot("hc_test:mc15_13TeV")
    assert not is_robot("mc15_13TeV:mc15_13TeV")


@given(st.text())
def test_any_text_is_parsed_or_passed_over(name: str) -> None:
    parsed = parse(name)
    assert (parsed.project is None) == (parsed.prodstep is None) == (parsed.datatype is None)


@given(st.from_regex(r"user\.[a-z]{2,8}\.[A-Za-z0-9_.]{0,60}", fullmatch=True))
def test_no_part_of_a_users_dataset_name_is_taken(name: str) -> None:
    assert parse(name) == DatasetName()


@pytest.mark.parametrize(
    ("short", "official"),
    [
        *((name, True) for name in ("PHYS", "AOD", "HIGG3D3", "EXOT14", "RPVLL", "DESDM_ZMUMU")),
        *((name, False) for name in ("JDOE", "PHYSJDOE", "HIGGD1", "DESDM_JDOE", "EXOT123", "")),
    ],
)
def test_official_types(short: str, official: bool) -> None:
    assert is_official_type(short) is official
