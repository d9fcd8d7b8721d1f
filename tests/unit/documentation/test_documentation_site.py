"""The site: it is built without a warning, works from files alone, and browsers find no fault."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from tests.unit.documentation.blocks import ROOT

from redwood import api, plugins
from redwood.errors import InputError

pytest.importorskip("sphinx")
pytest.importorskip("furo")

from redwood.documentation.building import build
from redwood.documentation.contents import notebook_page, with_contents

# Of Sphinx, to its extensions.
pytestmark = pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Path:
    """The site of `docs/`."""
    output = tmp_path_factory.mktemp("docs") / "site"
    build(ROOT / "docs", output)
    return output


class Links(HTMLParser):
    """What a page links to and loads, and the names of places in it."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.loaded: set[str] = set()
        self.places: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.places |= {found[key] for key in ("id", "name") if found.get(key)}
        if tag == "a" and found.get("href"):
            self.links.add(found["href"])
        elif tag != "a":
            self.loaded |= {found[key] for key in ("src", "href") if found.get(key)}


def test_every_link_and_picture_of_the_site_leads_somewhere_and_nothing_is_loaded_from_elsewhere(
    site,
):
    pages = {page: Links(page) for page in site.rglob("*.html")}
    assert len(pages) > 25
    for page, found in pages.items():
        for link in found.links | found.loaded:
            parts = urlsplit(link)
            if parts.scheme in ("http", "https", "data"):
                assert parts.scheme == "data" or link not in found.loaded, f"{page}: {link}"
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.exists(), f"{page.name}: {link} leads nowhere"
            if parts.fragment and target in pages:
                known = pages[target].places
                assert unquote(parts.fragment) in known, f"{page.name}: no place for {link}"
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert not re.findall(r"url\(['\"]?https?:", styles)


def places(page: Path) -> set[str]:
    """The headings of a page in Markdown, as links name them on GitHub."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "docs/*.md", "resources/README.md"]
)
def test_links_of_pages_lead_somewhere_where_they_are_read_without_the_site(name):
    for page in ROOT.glob(name):
        text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
            path, _, place = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), f"{page.name}: {link}"
            # Of pages with generated parts, places in these are on the site alone.
            made = target.stem in ("python", "measures", "command_line", "configuration")
            if place and target.suffix == ".md" and not made:
                assert place in places(target), f"{page.name}: {link}"


def test_every_page_is_in_the_contents_and_one_without_a_link_comes_last(tmp_path):
    # As the pages of the site call each other.
    index = (ROOT / "docs/index.md").read_text().replace(".ipynb)", ".md)")
    index = index.replace("../CONTRIBUTING", "contributing")
    index = index.replace("../resources/README", "resources")
    names = {page.stem for page in (ROOT / "docs").glob("*.md")}
    names |= {"tutorial", "contributing", "resources", "surprise"}
    text = with_contents(index, names)
    assert text.endswith(":caption: More\n\nsurprise\n```\n")
    listed = set(re.findall(r"^[\w-]+$", "\n".join(text.split("```{toctree}")[1:]), re.MULTILINE))
    assert names - listed == {"index"}
    with pytest.raises(InputError, match=r"links to nowhere\.md, which is not there"):
        with_contents("## Here\n\n[x](nowhere.md)\n", {"index"})


def test_all_that_says_what_it_is_has_its_place(site):
    measures = (site / "measures.html").read_text()
    for name in plugins.names("redwood.evaluation.measures"):
        assert f">{name}</span>" in measures, name
    assert measures.count("<math") >= len(plugins.names("redwood.evaluation.measures"))
    python = (site / "python.html").read_text()
    assert all(f"redwood.{name}" in python for name in api.__all__)
    commands = (site / "command_line.html").read_text()
    assert "redwood records clean" in commands
    assert "--features" in commands
    keys = (site / "configuration.html").read_text()
    assert "default_core_power" in keys
    assert "tvae" in keys


def test_a_notebook_says_where_its_outputs_are():
    page = notebook_page(ROOT / "docs" / "tutorial.ipynb")
    assert page.index("jupyter lab docs/tutorial.ipynb`") < page.index("```python")


def test_a_broken_link_is_an_error_and_leaves_no_site(tmp_path):
    source = tmp_path / "docs"
    source.mkdir()
    (source / "index.md").write_text("# Top\n\n[lost](lost.md)\n")
    with pytest.raises(InputError, match=r"index\.md:3: WARNING: .*lost\.md"):
        build(source, tmp_path / "site")
    assert not (tmp_path / "site").exists()
    with pytest.raises(InputError, match=r"has no index\.md"):
        build(tmp_path / "nothing", tmp_path / "site")


@pytest.fixture
def page(browser, site):
    """A page of a browser that is not on the network, and what it has asked for."""
    context = browser.new_context(viewport={"width": 1000, "height": 800}, offline=True)
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.asked, page.errors = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    yield page
    assert page.errors == []
    assert all(url.startswith(("file:", "data:")) for url in page.asked)
    context.close()


def test_it_is_searched_from_a_file(page, site):
    page.goto(f"file://{site}/index.html")
    page.get_by_placeholder("Search").first.fill("canary")
    page.keyboard.press("Enter")
    page.get_by_role("link", name=re.compile("Publish a sample")).first.wait_for()
    page.get_by_role("link", name=re.compile("Glossary|Canary")).first.wait_for()


@pytest.mark.parametrize(
    "name", ["index", "measures", "results", "command_line", "troubleshooting"]
)
def test_an_accessibility_checker_finds_nothing_and_no_page_is_wider_than_its_window(
    page, site, name
):
    from axe_playwright_python.sync_playwright import Axe

    page.goto(f"file://{site}/{name}.html")
    found = Axe().run(page).response["violations"]
    serious = [
        (one["id"], [node["html"][:120] for node in one["nodes"][:3]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]
    assert serious == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1000


def test_pages_with_equations_show_them_without_a_script(page, site):
    page.goto(f"file://{site}/measures.html")
    equations = page.locator("math[display=block]")
    assert equations.count() >= len(plugins.names("redwood.evaluation.measures"))
    box = equations.first.bounding_box()
    assert box["width"] > 100
    assert box["height"] > 15
