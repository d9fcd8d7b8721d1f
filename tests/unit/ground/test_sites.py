"""Queues and the sites they belong to."""

from pathlib import Path

import pandas as pd
import pytest

from redwood.errors import InputError
from redwood.sites import Place, SiteTable, load_sites

TABLE = SiteTable(
    pd.DataFrame(
        {
            "site": ["BNL-ATLAS", "FZK-LCG2", "pic"],
            "core_power": [10.0, 12.56, 11.0],
            "queues": [("ANALY_BNL_VP", "BNL_PROD"), ("FZK-LCG2",), ("pic",)],
        }
    )
)


@pytest.mark.parametrize(
    ("queue", "place"),
    [
        ("ANALY_BNL_VP", Place("ANALY_BNL_VP", 10.0, "known")),
        ("BNL_PROD", Place("ANALY_BNL_VP", 10.0, "folded")),
        ("BNL_PROD_MCORE", Place("ANALY_BNL_VP", 10.0, "folded")),
        ("BNL-ATLAS", Place("ANALY_BNL_VP", 10.0, "folded")),
        ("FZK-LCG2_HIMEM_SL7", Place("FZK-LCG2", 12.56, "folded")),
        ("ANALY_FZK-LCG2", Place("FZK-LCG2", 12.56, "folded")),
        ("ANALY_BNL_SHORT", Place("ANALY_BNL_VP", 10.0, "folded")),
        ("ANALY_PIC_SL7", Place("pic", 11.0, "folded")),
        ("Vega", Place("Vega", None, "unknown")),
        ("MCORE", Place("MCORE", None, "unknown")),
        ("", Place("", None, "unknown")),
    ],
)
def test_queues_fold_into_sites(queue: str, place: Place) -> None:
    assert TABLE.place(queue, fold=True) == place


def test_without_folding_every_queue_keeps_its_name_and_its_sites_core_power() -> None:
    assert TABLE.place("FZK-LCG2_UCORE", fold=False) == Place("FZK-LCG2_UCORE", 12.56, "known")


@pytest.mark.parametrize(
    ("name", "resembles"),
    [
        ("BNL_NEW", True),
        ("FZK-SOMETHING", True),
        ("ANALY_Vega", True),
        ("Vega", False),
        ("jdoe", False),
        ("12345", False),
        ("", False),
    ],
)
def test_names_that_resemble_those_of_the_table(name: str, resembles: bool) -> None:
    assert TABLE.resembles_a_site(name) is resembles


def test_every_queue_of_the_resource_table_is_known_and_leads_to_one_site() -> None:
    sites = load_sites()
    table = SiteTable(sites)
    for row in sites.itertuples():
        for queue in row.queues:
            assert table.place(queue, fold=True).name == row.queues[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("site,tier\nCERN,T0\n", "column 'cloud' is missing"),
        (
            "site,tier,cloud,core_power,ddm_tb_28d,queues\nCERN,T0,CH,none,1,CERN\n",
            "row 2: core_power is 'none', expected HS23 per core > 0",
        ),
    ],
)
def test_a_wrong_table(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "sites.csv").write_text(content)
    with pytest.raises(InputError, match=message):
        load_sites(tmp_path / "sites.csv")
    with pytest.raises(InputError, match="no such table of sites"):
        load_sites(tmp_path / "nothing.csv")
