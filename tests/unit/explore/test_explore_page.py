"""The page in headless Chromium, as a person and as a hostile browser uses it."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
from made_up_results import make_long_scenario, serving
from test_explore_background import processes_with, until

from redwood.explore.exporting import export
from redwood.outputs import file_digest
from redwood.simulation.running import run_scenario
from redwood.simulation.scenario import Scenario

# More than any of these steps takes on a busy machine, ms.
PATIENCE = 30_000


def opened(browser, url, **options):
    """A page of a browser of its own, and what it has asked for so far."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, **options)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    page.asked, page.errors = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("websocket", lambda socket: page.asked.append(socket.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.goto(url)
    page.get_by_text("Simulated day").or_(page.get_by_text("No run yet")).first.wait_for()
    return page


@pytest.fixture
def page(browser, server):
    page = opened(browser, server)
    yield page
    assert page.errors == []
    page.context.close()


@pytest.fixture(scope="module")
def long_files(tmp_path_factory):
    return tmp_path_factory.mktemp("long")


@pytest.fixture(scope="module")
def long_server(long_files):
    with serving(make_long_scenario(long_files), files=long_files) as url:
        yield url


def query(page):
    return parse_qs(urlsplit(page.evaluate("location.href")).query)


def alert(page):
    return page.get_by_role("alert")


def has(page, name, value):
    until(lambda: query(page).get(name) == [value])


def run_folder(folder):
    """The digest of each table of a run."""
    return {path.name: file_digest(path) for path in folder.glob("seed-*/*")}


def serious(page):
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [(v["id"], v["help"]) for v in found if v["impact"] in ("serious", "critical")]


def test_it_loads_from_this_machine_alone_and_an_accessibility_checker_finds_nothing(page, server):
    assert page.get_by_role("heading", level=1).inner_text() == "The grid, to be tried"
    hosts = {urlsplit(url).netloc for url in page.asked if not url.startswith("data:")}
    assert hosts == {urlsplit(server).netloc}
    assert any(url.startswith("ws://") for url in page.asked)
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1280


def test_every_knob_stands_in_the_url_and_the_url_sets_every_knob(page, browser):
    for label, value in (
        ("Jobs", "sequoia"),
        ("Brokerage", "random"),
        ("Placement", "cache"),
        ("Queue order", "fair_share"),
    ):
        page.get_by_label(label, exact=True).select_option(value)
    for label, value in (("Load factor", "3"), ("Seed", "4")):
        page.get_by_label(label).fill(value)
        page.get_by_label(label).press("Enter")
    page.get_by_label("Site", exact=True).select_option("CERN")
    page.get_by_role("button", name="Take down").click()
    has(page, "outages", "CERN 0 6")
    page.get_by_label("Link to").select_option("FZK-LCG2")
    page.get_by_role("button", name="Set bandwidth").click()
    has(page, "bandwidth", "CERN ~ FZK-LCG2 1")
    assert query(page) == {
        "workload": ["sequoia"], "brokerage": ["random"], "placement": ["cache"],
        "queue": ["fair_share"], "load_factor": ["3.0"], "seed": ["4"],
        "outages": ["CERN 0 6"], "bandwidth": ["CERN ~ FZK-LCG2 1"],
    }  # fmt: skip
    again = opened(browser, page.evaluate("location.href"))
    assert again.get_by_label("Jobs").input_value() == "sequoia"
    assert again.get_by_label("Load factor").input_value() == "3"
    assert again.get_by_label("Outages").input_value() == "CERN 0 6"
    assert again.get_by_label("Bandwidth").input_value() == "CERN ~ FZK-LCG2 1"
    again.context.close()


def test_time_plays_pauses_and_is_scrubbed_by_keyboard(page):
    def where():
        return int(page.get_by_role("slider").get_attribute("aria-valuenow").split(".")[0])

    page.get_by_role("button", name="Play").press("Enter")
    until(lambda: where() >= 2)
    page.get_by_role("button", name="Pause").press("Enter")
    stopped = where()
    page.get_by_role("slider", name="Time").press("ArrowRight")
    until(lambda: where() == stopped + 1)
    before = page.get_by_text("Simulated day").inner_text()
    page.get_by_label("Colour shows").select_option(label="failed attempts")
    until(lambda: "failed attempts" in page.get_by_text("Simulated day").inner_text())
    assert "waiting jobs" in before


def test_a_run_is_laid_beside_the_last_and_its_scenario_gives_the_same_bytes(
    page, server_files, tmp_path
):
    page.get_by_label("Outages").fill("CERN 1 2\nFZK-LCG2 0 1")
    page.get_by_label("Outages").blur()
    page.get_by_label("Seed").fill("5")
    page.get_by_label("Seed").press("Enter")
    has(page, "seed", "5")
    page.get_by_role("button", name="Run").click()
    said = page.get_by_text("Run 2 against run 1: ")
    said.wait_for()
    assert "seed 5 instead of 1; CERN down from hour 1 for 2 h" in said.inner_text()
    assert page.get_by_role("columnheader").count() == 3
    page.get_by_text("Job by job: ").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download scenario").click()
    path = tmp_path / "scenario.json"
    download.value.save_as(path)
    run_scenario(Scenario.load(path), tmp_path / "again")
    again = run_folder(tmp_path / "again")
    assert again == run_folder(*server_files.glob("redwood-explore-*/run-*[0-9]"))


def test_a_wrong_value_is_named_and_nothing_is_run_with_it(page):
    page.get_by_label("Outages").fill("CRN 1 2")
    page.get_by_label("Outages").blur()
    alert(page).wait_for()
    assert "outages: site is 'CRN'; the nearest is 'CERN'" in alert(page).inner_text()
    assert (
        page.get_by_role("button", name="Run")
        .or_(page.get_by_role("button", name="Show"))
        .is_disabled()
    )
    page.get_by_label("Outages").fill("")
    page.get_by_label("Outages").blur()
    alert(page).wait_for(state="detached")


def test_what_a_hostile_browser_sends_is_checked_by_the_server(page):
    page.evaluate(
        "for (const model of Bokeh.documents[0]._all_models.values())"
        " if (model.name == 'brokerage') model.value = '/tmp/evil.py'"
    )
    alert(page).wait_for()
    assert "brokerage is '/tmp/evil.py'; there are as_recorded" in alert(page).inner_text()
    page.evaluate(
        "for (const model of Bokeh.documents[0]._all_models.values())"
        " if (model.name == 'run') model.disabled = false"
    )
    page.get_by_role("button", name="Show").click()
    time.sleep(0.5)
    assert "brokerage" not in query(page)


def test_a_wrong_url_is_said_and_the_usual_knobs_stand(browser, server):
    page = opened(browser, server + "?seed=-3&brokerage=nobody")
    assert "The URL is not as expected: the knobs: seed is '-3'" in alert(page).inner_text()
    assert page.get_by_label("Seed").input_value() == "1"
    page.context.close()


def test_a_wrong_token_gets_one_sentence(browser, server):
    context = browser.new_context()
    page = context.new_page()
    answer = page.goto(server.replace(urlsplit(server).path, "/wrong/"))
    assert answer.status == 403
    assert "open the URL that redwood explore printed" in page.inner_text("body")
    context.close()


def is_drawn(page):
    """Whether the map has the values of the slider's frame."""
    return page.evaluate(
        "() => { const all = [...Bokeh.documents[0]._all_models.values()]\n"
        "const of = (name) => all.find((model) => model.name == name).data\n"
        "const frames = of('edges').hour.length - 1\n"
        "const at = all.find((model) => model.type == 'Slider').value\n"
        "return [...of('sites').busy].every((value, site) =>"
        " value == of('site_frames').busy[site * frames + at]) }"
    )


def test_whichever_run_is_chosen_is_drawn(page):
    page.get_by_role("slider", name="Time").press("PageUp")
    page.get_by_label("Brokerage").select_option("round_robin")
    has(page, "brokerage", "round_robin")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("Run 2 against run 1: ").wait_for()
    for number in (1, 2, 1, 2, 1):
        until(lambda: is_drawn(page))
        chosen = page.get_by_label("On the map")
        names = {1: "1: recorded, least_loaded", 2: "2: recorded, round_robin"}
        chosen.select_option(label=names[number])
        page.get_by_label("Compared with").select_option(label=names[3 - number])
        page.get_by_text(f"Run {number} against run {3 - number}: ").wait_for()
    until(lambda: is_drawn(page))


def test_two_people_do_not_mix(page, browser, server):
    other = opened(browser, server)
    page.get_by_label("Brokerage").select_option("round_robin")
    has(page, "brokerage", "round_robin")
    page.get_by_role("button", name="Show").click()
    page.get_by_text("Run 2 against run 1: ").wait_for()
    assert other.get_by_label("Brokerage").input_value() == "least_loaded"
    assert other.get_by_role("columnheader").count() == 2
    assert query(other) == {}
    other.context.close()


def test_a_run_is_cancelled_and_the_other_waits_for_it(browser, long_server, long_files):
    one, other = opened(browser, long_server), opened(browser, long_server)
    one.get_by_role("button", name="Run").click()
    one.get_by_text(" of 150,000 jobs have ended").wait_for()
    assert one.get_by_role("progressbar").count() == 1
    other.get_by_role("button", name="Run").click()
    other.get_by_text("Waits for 1 other run(s) to end.").wait_for()
    one.get_by_role("button", name="Cancel").click()
    one.get_by_text("Cancelled: nothing of that run is left.").wait_for()
    assert one.get_by_role("button", name="Run").is_enabled()
    # The other's begins now; when its browser is gone it ends, too.
    other.get_by_text("of 150,000 jobs have ended").wait_for()
    assert processes_with(f"{long_files}/redwood-explore-")
    other.context.close()
    until(lambda: not processes_with(f"{long_files}/redwood-explore-"), 30)
    one.context.close()


def test_the_exported_file_plays_without_a_server(browser, source, tmp_path):
    export(source, tmp_path / "grid.html")
    page = opened(browser, (tmp_path / "grid.html").as_uri(), offline=True)
    assert {urlsplit(url).scheme for url in page.asked} <= {"file", "data", "blob"}
    assert serious(page) == []
    before = page.get_by_text("Simulated day").inner_text()
    page.get_by_label("On the map").select_option(label="2: recorded, round_robin")
    page.get_by_text("Run 2 against run 1: ").wait_for()
    page.get_by_role("button", name="Play").click()
    until(lambda: page.get_by_text("Simulated day").inner_text() != before)
    assert page.errors == []
    page.context.close()
