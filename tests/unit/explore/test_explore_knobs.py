"""The knobs: the URL keeps them, what a browser sends is checked, a scenario comes of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up_results import SITES

from redwood.errors import InputError
from redwood.explore.knobs import Bandwidth, Knobs, SiteDown, differences
from redwood.explore.sources import as_text
from redwood.simulation.scenario import Scenario

words = st.text(st.characters(categories=["L", "N"], include_characters="_-.+ &=%~é"), min_size=1)
names = words.map(str.strip).filter(lambda name: name and " ~ " not in f" {name} ")
amounts = st.floats(0.001, 1000, allow_nan=False).map(lambda value: float(f"{value:g}"))
knobs_of_all_kinds = st.builds(
    Knobs,
    workload=names,
    load_factor=st.floats(0.001, 1000),
    seed=st.integers(0, 2**32 - 1),
    brokerage=names,
    placement=names,
    queue=names,
    outages=st.lists(
        st.builds(SiteDown, site=names, from_h=amounts, for_h=amounts), max_size=3
    ).map(tuple),
    bandwidth=st.lists(
        st.builds(Bandwidth, site=names, other=st.none() | names, gbps=amounts),
        max_size=3,
        unique_by=lambda entry: frozenset((entry.site, entry.other)),
    ).map(tuple),
)


@given(knobs_of_all_kinds, knobs_of_all_kinds)
def test_the_url_keeps_every_knob_whatever_is_usual_here(knobs, usual):
    assert Knobs.of(knobs.query(usual), usual) == knobs
    assert Knobs.of(knobs.texts()) == knobs


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("seed=-1", "seed is '-1'.* greater than or equal to 0"),
        ("seed=1.5", "seed is '1.5'"),
        ("load_factor=nan", "load_factor is 'nan'.* finite"),
        ("load_factor=1e9", "load_factor is '1e9'.* 1000"),
        ("load_factor=", "load_factor is ''"),
        ("seed=1&seed=2", "seed is given twice in the URL"),
        ("seed=%ff", "the URL cannot be read"),
        ("workload=nothing", "workload is 'nothing'; there are recorded, sequoia"),
        ("workload=../../etc/passwd", "workload is '../../etc/passwd'"),
        ("brokerage=/tmp/evil.py", "brokerage is '/tmp/evil.py'; there are as_recorded"),
        ("placement=evil.py:Policy", "placement is 'evil.py:Policy'"),
        ("queue=python:mine", "queue is 'python:mine'"),
        ("outages=CERN", "outage 'CERN': expected SITE, hour and hours"),
        ("outages=CRN 1 2", "outages: site is 'CRN'; the nearest is 'CERN'; there are ANALY"),
        ("outages=CERN 1 0", "for_h is '0'.* greater than 0"),
        ("outages=CERN -1 2", "from_h is '-1'"),
        ("outages=CERN 1 inf", "for_h is 'inf'"),
        ("outages=" + "CERN 1 2;" * 51, "at most 50 items"),
        ("bandwidth=CERN", "expected SITE or SITE ~ SITE, and Gb/s"),
        ("bandwidth=CERN 0", "gbps is '0'.* greater than 0"),
        ("bandwidth=CERN ~ CERN 1", "a link leads from 'CERN' to itself"),
        ("bandwidth=CERN 1;CERN 2", "bandwidth is given twice: CERN with 1 Gb/s"),
        ("bandwidth=CERN ~ <script> 1", "bandwidth: site is '<script>'"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(query, message, source):
    with pytest.raises(InputError, match=message):
        source.choices.scenario(Knobs.of(query, source.defaults))


@given(st.dictionaries(st.sampled_from(list(Knobs.model_fields)), st.text()))
def test_whatever_a_browser_sends_is_a_scenario_or_an_input_error(source, given):
    try:
        scenario = source.choices.scenario(Knobs.of(given, source.defaults))
    except InputError:
        return
    assert not scenario.policies.files


def test_the_scenario_is_what_the_knobs_say_and_else_that_of_the_results(source):
    knobs = Knobs.of(
        "workload=sequoia&seed=7&load_factor=3&brokerage=random&placement=cache&queue=fair_share"
        "&outages=CERN 1 2;nowhere known 0 1&bandwidth=CERN 8;CERN ~ FZK-LCG2 16",
        source.defaults,
    )
    scenario = Scenario.load(as_text(source.choices.scenario(knobs)))
    assert (scenario.workload.name, scenario.labels["role"]) == ("sequoia", "model")
    assert (scenario.seeds, scenario.load_factor) == (range(7, 8), 3.0)
    assert scenario.policies.label == "random+cache+fair_share"
    assert scenario.interval_s == 600.0
    environment = scenario.read_environment()
    assert [(o.site, o.start_s, o.lasting_s) for o in environment.outages] == [
        ("CERN", 3600.0, 7200.0),
        ("nowhere known", 0.0, 3600.0),
    ]
    assert [(link.between, link.bandwidth) for link in environment.links] == [
        (("CERN", "FZK-LCG2"), 2e9)
    ]
    bandwidth = {site.name: site.bandwidth for site in environment.sites}
    usual = {site.name: site.bandwidth for site in source.choices.environment.sites}
    assert bandwidth == {**usual, "CERN": 1e9}
    assert tuple(bandwidth) == SITES


def test_without_changes_the_environment_stays_the_file_that_it_was(source, results):
    scenario = source.choices.scenario(source.defaults)
    assert scenario.environment == str(results / "simulation" / "platform.json")


def test_what_was_turned_is_said_in_words():
    one = Knobs.of("outages=CERN 1 2&bandwidth=CERN 1")
    other = Knobs.of("brokerage=random&load_factor=2&outages=FZK-LCG2 0 6")
    assert differences(one, other) == [
        "load factor 2 instead of 1",
        "brokerage random instead of least_loaded",
        "FZK-LCG2 down from hour 0 for 6 h",
        "no longer: CERN down from hour 1 for 2 h",
        "no longer: CERN with 1 Gb/s",
    ]
    assert differences(one, one) == []
