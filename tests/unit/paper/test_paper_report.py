"""The report: it says what the results say, and every link in it leads somewhere."""

import base64
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from redwood.errors import InputError
from redwood.outputs import file_digest
from redwood.paper.agreement import TOO_FEW
from redwood.paper.report.writing import write_report
from redwood.paper.table1 import write_table1
from redwood.paper.table2 import write_table2

ROOT = Path(__file__).resolve().parents[3]
CAPTIONS = ROOT / "workflow/report"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
FIGURES = ("tradeoff", "ranks", "training", "distributions", "found_shares", "grid")


class Page(HTMLParser):
    """The tags of a page."""

    def __init__(self, text):
        super().__init__()
        self.tags = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def check(kind, passed, level=None, groups=(), text="as it is"):
    return {
        **{"kind": kind, "level": level, "passed": passed, "title": kind, "text": text},
        "groups": [{"rows": [1, 5], "planted": 50, "found": f, "at_most": b} for f, b in groups],
    }


def decide(results, model, released, *checks):
    folder = results / "release/decisions" / model
    folder.mkdir(parents=True, exist_ok=True)
    content = {"model": model, "released": released, "checks": checks}
    (folder / "decision.json").write_text(json.dumps(content))
    (folder / "note.html").write_text(f"<!doctype html><title>Note</title><p>{model} & more</p>")


def manifest(results):
    """A manifest of a training and what was made of it."""
    made = {
        "surrogates_sample": ([], ["surrogates/smote/sample.parquet"]),
        "table1": (
            ["surrogates/smote/sample.parquet"],
            ["tables/table1.csv", "tables/table1.html"],
        ),
        "table2": ([], ["tables/table2.csv", "tables/table2_ranking.csv"]),
        **{f"figure_{name}": ([], [f"figures/{name}.png"]) for name in FIGURES},
    }
    graph = [
        {
            "@id": "swh:1:x;path=/Snakefile",
            "@type": ["File", "ComputationalWorkflow"],
            "name": "REDWOOD",
            "version": "1",
            "description": "Commit abc, nothing uncommitted.",
        },
        {"@id": "#machine/processor", "@type": "PropertyValue",
         "name": "processor where this was written", "value": "a fast one"},
        {"@id": "#tools/x", "@type": "SoftwareApplication",
         "softwareVersion": "digests of code and pins: 12ab, 34cd"},
    ]  # fmt: skip
    for rule, (inputs, outputs) in made.items():
        graph += [{"@id": name, "@type": "File", "sha256": f"{rule}-digest"} for name in outputs]
        graph.append(
            {
                "@id": f"#jobs/{outputs[0].replace(' ', '%20')}",
                "@type": "CreateAction",
                "name": rule,
                "description": f"python -m redwood {rule} --seed 2410",
                "instrument": {"@id": "#tools/x"},
                # One is not in brackets.
                "object": [{"@id": name} for name in inputs],
                "result": [{"@id": name} for name in outputs]
                if len(outputs) > 1
                else {"@id": outputs[0]},
            }
        )
    (results / "ro-crate-metadata.json").write_text(json.dumps({"@graph": graph}))


@pytest.fixture
def results(evaluations, change, outcomes, tmp_path):
    """A finished run: smote is close and withheld, tvae is far and released."""
    folder = tmp_path / "results/mini"
    for name in ("records", "tables", "figures"):
        (folder / name).mkdir(parents=True)
    for evaluation in evaluations:
        change(evaluation, {}, privacy={"passes": True, "words": "passes"})
    change(evaluations[0], {"wd": {"floor": 0.01}})
    change(evaluations[1], {"wd": {"floor": 0.01}})
    decide(
        folder, "smote", False, check("privacy", True),
        check("canaries", False, "task", [(0.53, 0.61)]),
        check("canaries", True, "record", [(0.1, 0.2)]),
    )  # fmt: skip
    decide(folder, "tvae", True, check("canaries", True, "task", [(0.12, 0.19), (0.1, 0.15)]))
    decisions = sorted(folder.glob("release/decisions/*/decision.json"))
    path = outcomes(recorded=(10, 20, 40), smote=(11, 22, 30), tvae=(30, 22, 11))
    paper = ROOT / "resources/paper_table1.csv"
    write_table1(evaluations, paper, folder / "tables/table1", path, decisions)
    write_table2(path, folder / "tables/table2")
    card = {
        **{"dataset": "mini", "noun": "job", "synthetic": True, "rows": 1479},
        "columns": [{"name": "computingsite", "distinct": 12}],
        "arrivals": {"days": 14, "first_day": "2024-01-01", "last_day": "2024-01-14"},
        "split": {
            "rule": "divided at random",
            "parts": {
                name: {"rows": rows, "first": "2024-01-01", "last": "2024-01-14"}
                for name, rows in (("train", 887), ("validation", 296), ("test", 296))
            },
        },
        "verdict": {"headline": "Usable.", "summary": ["Of 2,381 rows 1,479 were kept."],
                    "findings": [{"text": "Mind this.", "advice": "So."}]},
    }  # fmt: skip
    (folder / "records/card.json").write_text(json.dumps(card))
    (folder / "records/card.html").write_text("<!doctype html><title>Card</title><p>1 < 2")
    for name in FIGURES:
        (folder / f"figures/{name}.png").write_bytes(PNG)
    manifest(folder)
    return folder


def report_of(results, **more) -> str:
    output = results.parent / "report.html"
    write_report(results, CAPTIONS, output, **more)
    return output.read_text()


def words_of(html) -> str:
    return re.sub(r"\s+", " ", re.sub("<[^>]*>", "", html))


def test_the_first_screen_says_what_the_results_say(results):
    html = report_of(results)
    said = words_of(html.partition('<section id="data">')[0])
    table1 = json.loads((results / "tables/table1.json").read_text())
    ranked = pd.read_csv(results / "tables/table2_ranking.csv").set_index(["outcome", "workload"])
    of_main = ranked.loc["turnaround_mean"]
    assert "1,479 jobs of 14 days, 2024-01-01 to 2024-01-14, at 12 sites" in said
    assert "learn from 887 and are judged by 296" in said
    assert "say nothing about any genuine grid" in said
    assert (
        "tvae: of the tasks the attacker finds 12 % at a 10 % false-alarm rate (guessing: 10 %); "
        "95 % upper bound 19 %, limit 30 %"
    ) in said
    assert "Withheld: smote, as it reveals tasks (95 % upper bound 61 %, limit 30 %)." in said
    near = table1["typical_multiples"]["smote"]
    assert (
        f"smote is closest to these very records ({near:.1f} × the floor), but it reveals" in said
    )
    assert "a is the best of 3 on recorded jobs (mean turnaround 10 min)" in said
    cost = 100 * of_main.loc["tvae", "regret"]
    assert "Synthetic jobs of smote say the same; those of tvae choose another" in said
    assert f"which costs up to {cost:.2g} % on recorded ones ({TOO_FEW})." in said
    for model in ("smote", "tvae"):
        row = re.search(rf'<th scope="row">{model}</th>(.*?)</tr>', html)[1]
        cells = re.findall(r"<td[^>]*>(.*?)</td>", row)
        assert f"{table1['typical_multiples'][model]:.1f}" in words_of(cells[1])
        # Three policies are in the same order by chance in one case of six.
        assert words_of(cells[3]) == TOO_FEW
    assert words_of(cells[0]) == "yes"


def test_the_first_screen_holds_the_order_of_policies_against_real_jobs_of_others(results):
    table1, ranking = results / "tables/table1.json", results / "tables/table2_ranking.csv"
    content, frame = json.loads(table1.read_text()), pd.read_csv(ranking)
    assert "In all, tvae ranks" not in words_of(report_of(results))
    frame = pd.concat([frame, frame[frame["workload"] == "smote"].assign(workload="law", tau=-0.6)])
    frame.loc[frame["workload"] == "tvae", "tau"] = 0.73
    frame.to_csv(ranking, index=False)
    content["recommendation"]["model"], content["law"] = "tvae", "law"
    table1.write_text(json.dumps(content | {"other_floor": {"title": "other tasks"}}))
    assert f"How the jobs of tvae rank them all: {TOO_FEW}." in words_of(report_of(results))
    frame.assign(policies=4, pairs_apart=1).to_csv(ranking, index=False)
    said = words_of(report_of(results))
    assert "In all, tvae ranks them with τ 0.73, real jobs of other tasks with τ −0.60." in said


def test_every_number_of_the_first_screen_that_is_a_result_is_a_link(results):
    front = report_of(results).partition('<section id="data">')[0]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", front)
    assert cells
    assert all(cell == "–" or cell.startswith('<a href="#') for cell in cells)


def test_all_links_and_images_of_the_report_resolve(results):
    page = Page(report_of(results))
    places = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(places) == len(set(places))
    links = [attributes["href"] for attributes in page.all("a")]
    assert {f"#{place}" for place in ("data", "fidelity", "privacy", "note-tvae")} <= set(links)
    # The one other page is what ./run puts beside the report.
    assert "results/workflow.html" in (ROOT / "run").read_text()
    assert {link for link in links if not link.startswith("#")} == {"workflow.html"}
    assert {link[1:] for link in links if link.startswith("#")} <= set(places)
    assert page.all("img")
    for image in page.all("img"):
        content = image["src"].removeprefix("data:image/png;base64,")
        assert base64.b64decode(content, validate=True) == PNG
    for tag in ("script", "link"):
        assert not page.all(tag)
    described = {a["aria-describedby"] for _, a in page.tags if "aria-describedby" in a}
    assert described <= set(places)


def test_the_paper_is_linked_from_where_the_report_lies(results):
    document = results / "paper/paper.pdf"
    assert 'href="mini/paper/paper.pdf"' in report_of(results, document=document)


def test_the_report_can_be_read_by_ear_and_keyboard(results):
    page = Page(report_of(results))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(attributes.get("scope") for attributes in page.all("th"))
    assert all(attributes.get("alt") for attributes in page.all("img"))
    assert all(attributes.get("title") for attributes in page.all("iframe"))
    terms = [a for a in page.all("span") if a.get("class") == "term"]
    assert terms
    assert all(attributes["tabindex"] == "0" for attributes in terms)


def test_a_result_can_be_followed_to_rule_inputs_seed_and_code(results):
    html = report_of(results)
    assert '<a class="from" href="#job-tables-table1.csv">rule table1</a>' in html
    job = html.partition('id="job-tables-table1.csv"')[2].partition("</details>")[0]
    said = words_of(job)
    for part in ("python -m redwood table1", "2410", "12ab, 34cd", "table1-digest"):
        assert part in said
    assert 'href="#job-surrogates-smote-sample.parquet">its job' in job
    assert "Commit abc" in html
    assert "a fast one" in html


def test_the_report_names_the_tables_that_it_shows_by_their_digests(results):
    html = report_of(results)
    for table in ("table1.html", "table2.html"):
        assert file_digest(results / "tables" / table) in html


def test_pages_of_other_stages_are_in_it_whole(results, tmp_path):
    page = Page(report_of(results))
    frames = {attributes["title"]: attributes["srcdoc"] for attributes in page.all("iframe")}
    assert frames["The data card in full"] == (results / "records/card.html").read_text()
    assert frames["tvae: released"].endswith("tvae & more</p>")
    assert "The interactive grid" not in frames
    (tmp_path / "grid.html").write_text("<p>Try it")
    html = report_of(results, interactive=tmp_path / "grid.html")
    frames = {a["title"]: a["srcdoc"] for a in Page(html).all("iframe")}
    assert frames["The interactive grid"] == "<p>Try it"


def test_other_simulators_are_told_with_what_they_leave_out(results):
    assert "in other simulators" not in report_of(results)
    written = {
        "engines": {
            "simgrid": {"title": "REDWOOD", "version": None, "asks_policies": True, "left_out": []},
            "other": {"title": "Other", "version": "2.8", "asks_policies": True,
                      "left_out": ["Other: no <outages>"],
                      "apart": {"Makespan": 0.0123, "Wall time, mean": 0.0}},
            "third": {"title": "Third", "version": None, "asks_policies": False, "left_out": [],
                      "apart": {"Makespan": 0.5}},
        },
        "ranked_alike": [{"engine": "other", "tau": 0.9}, {"engine": "other", "tau": None}],
    }  # fmt: skip
    path = results / "simulation/engines/comparison.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(written))
    said = report_of(results)
    assert (
        "Other 2.8 (other) differs from REDWOOD&#39;s engine at most in Makespan by 1.2 %, Wall "
        "time, mean by 0 %; it ranks the policies with a τ of 0.90 or more" in said
    )
    assert "<li>Other: no &lt;outages&gt;</li>" in said
    assert "Makespan by 50 %; it asks no policy: its one run is set beside each of ours" in said


def test_the_same_results_give_the_same_bytes(results):
    assert report_of(results) == report_of(results)


def test_too_few_rows_are_told_as_that(results):
    few = "not judged: too few rows to judge, 295 where 2,500 are needed"
    decide(results, "smote", False, check("privacy", False, text=few))
    decide(results, "tvae", False, check("canaries", False, "user"))
    said = words_of(report_of(results))
    assert "None of the samples. Withheld: smote, as there are too few rows to tell; tvae" in said
    assert "tvae, as users could not be judged." in said


def test_without_a_gate_and_with_one_policy_there_is_a_report_too(
    evaluations, outcomes, results, tmp_path
):
    for path in sorted((results / "release").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    path = outcomes(recorded=(10,), smote=(11,), tvae=(30,))
    paper = ROOT / "resources/paper_table1.csv"
    write_table1(evaluations, paper, results / "tables/table1", path)
    write_table2(path, results / "tables/table2")
    (results / "figures/tradeoff.png").unlink()
    said = words_of(report_of(results))
    assert "No model was put through the release gate" in said
    assert "Fewer than two policies were compared" in said


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("ro-crate-metadata.json", None, "no such manifest of the run"),
        ("ro-crate-metadata.json", "{}", "not the manifest of a run: KeyError('@graph')"),
        ("tables/table1.html", "<p>", "has no table of `redwood paper`; write it again"),
        ("tables/table1.json", None, "no such summary of Table I"),
        ("records/card.json", None, "no such facts of the data card"),
        ("release/decisions/smote/note.html", None, "no such page"),
        ("release/decisions/smote/decision.json", '{"model": "smote", "checks": [{}]}',
         "made again by `redwood release decide`"),
        ("figures/unheard.png", "PNG", "unheard.rst: no such caption"),
    ],
)  # fmt: skip
def test_what_a_report_lacks_is_named(results, name, content, words):
    path = results / name
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    with pytest.raises(InputError, match=re.escape(words)):
        report_of(results)
    assert not (results.parent / "report.html").exists()


def test_every_figure_of_the_workflow_has_a_caption():
    rules = (ROOT / "workflow/rules/paper.smk").read_text()
    names = re.findall(r'^    "(\w+)": \(', rules.partition("FIGURES = {")[2], re.MULTILINE)
    assert len(names) > 10
    for name in names:
        assert (CAPTIONS / f"{name}.rst").read_text().strip()
