"""The code blocks of a page, and what running one means.

* `console`: each line of the `redwood` command runs, in this process; then comes, in a block of
  `text`, what it says, with `…` for whatever varies. Lines of other programs are checked as far as
  they name configurations and rules, and need a reason.
* `python` runs with the names of the blocks before it; `yaml` is checked as what it is.
* A first line `# FILE` or `# FILE, …` of these two names the file that the block is.

A comment before a block, `<!-- not run: REASON -->`, leaves it at checking its options and keys.
"""

import re
import shlex
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import typer
import yaml
from tests.unit.runs.made_up_run import run_command

from redwood import command_line, configuration
from redwood.errors import InputError
from redwood.runs.cluster import read_cluster
from redwood.simulation.scenario import load_scenarios

ROOT = Path(__file__).resolve().parents[3]
_BLOCK = re.compile(
    r"(?:<!-- not run: (?P<reason>[^>]+) -->\n+)?^```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_FILE = re.compile(r"# ([\w./-]+\.(?:py|yaml))\b")
_RULE = re.compile(r"^ *(?:rule|checkpoint) (\w+):|^    \"(\w+)\": \($", re.MULTILINE)
_VARIABLE = re.compile(r"[A-Z_]+=")
# Programs of others and our two scripts, whose lines need a reason not to be run.
_OTHERS = ("./run", "./test", "snakemake")
# What keeps the examples' words, at less than their cost.
_CHEAPER = (
    (r"--rows \d+", "--rows 100"),
    (r"DUMP…", "dump"),
    (r"(surrogates train (?:sequoia|grove)(?!.*--options) .*)", r"\1 --options '{small}'"),
    (
        r"(redwood evaluate (?!.*--options).*)",
        r"""\1 --options '{{"measures": ["wd", "near_copies"]}}'""",
    ),
    (r"jobs_per_episode=\d+", "jobs_per_episode=30"),
    (r"jobs=2000", "jobs=400"),
    (r'"epochs": \d+', '"epochs": 1'),
    (r"repetitions(\"?): \d+", r"repetitions\1: 2"),
    (r"\"c2st\", ", ""),
)
# Of a scenario of which a page shows a part.
ENVIRONMENT = {"sites": [{"name": "A", "cores": 100}]}
SMALL = '{"epochs": 1, "hidden": 16}'


@dataclass(frozen=True)
class Block:
    """A code block of a page.

    Attributes:
        line: where it begins.
        language: as it says.
        text: what it holds.
        reason: why it is not run, if it is not.
    """

    line: int
    language: str
    text: str
    reason: str

    @property
    def file(self) -> str:
        """The file that it says to be, if any."""
        found = _FILE.match(self.text)
        return found[1] if found else ""


def blocks_of(page: Path) -> list[Block]:
    """All code blocks of a page in their order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            text.count("\n", 0, found.start("language")) + 1,
            found["language"],
            found["text"],
            found["reason"] or "",
        )
        for found in _BLOCK.finditer(text)
    ]


def cheaper(text: str) -> str:
    """The same with fewer rows, epochs, seeds and measures."""
    for pattern, replacement in _CHEAPER:
        text = re.sub(
            pattern, replacement.format(small=SMALL) if "{" in replacement else replacement, text
        )
    return text


def lines_of(text: str) -> list[list[str]]:
    """The commands of a console, each as its words, without variables before it."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        for command in cheaper(line).split(" && "):
            words = shlex.split(command, comments=True)
            while words and _VARIABLE.match(words[0]):
                words.pop(0)
            if words and words != ["…"]:
                found.append(words)
    return found


class Runner:
    """Runs the blocks of one page, one after the other, in the folder where it stands."""

    def __init__(self) -> None:
        self.names: dict = {}
        self.said, self.failed = "", False

    def run(self, block: Block) -> None:
        """Run a block, or check it if it has a reason not to be run."""
        if block.language != "text":
            self.require_success()
        getattr(self, f"_{block.language or 'text'}")(block)

    def require_success(self) -> None:
        """An error that no block of text is there for is one of the page."""
        assert not self.failed, self.said

    def _console(self, block: Block) -> None:
        self.said = ""
        for words in lines_of(block.text):
            if words[0] in ("./redwood", "redwood"):
                (parse if block.reason else self._command)(words[1:])
                continue
            assert block.reason, f"line {block.line}: {words[0]} is not run, and no reason is given"
            if words[0] in _OTHERS:
                check_configuration_and_rule(words)

    def _command(self, words: list[str]) -> None:
        answer = run_command(*expanded(words))
        self.said += answer.output
        if isinstance(answer.exception, InputError):
            self.said += f"redwood: {answer.exception}\n"
        elif answer.exception and not isinstance(answer.exception, SystemExit):
            raise answer.exception
        self.failed |= answer.exit_code != 0

    def _text(self, block: Block) -> None:
        if block.reason:
            return
        expected = " ".join(block.text.split())
        pattern = ".*?".join(map(re.escape, expected.split("…")))
        said = " ".join(self.said.split())
        assert re.search(pattern, said), f"expected: {expected}\nsaid: {said}"
        assert expected.startswith("redwood: ") == self.failed
        self.failed = False

    def _python(self, block: Block) -> None:
        text = cheaper(block.text)
        if block.file:
            write(block.file, text)
        if not block.reason:
            exec(compile(text, f"line {block.line}", "exec"), self.names)
        else:
            compile(text, f"line {block.line}", "exec")

    def _yaml(self, block: Block) -> None:
        content = yaml.safe_load(cheaper(block.text))
        if block.file:
            write(block.file, cheaper(block.text))
        if {"environment", "workload"} & set(content):
            load_scenarios({"environment": ENVIRONMENT, **content})
        elif {"cpu", "gpu"} & set(content):
            write("cluster.yaml", block.text)
            read_cluster(Path(), {})
        else:
            configuration.validate(content)


def parse(words: list[str]) -> None:
    """What the command line makes of these words; it ends the test if it cannot."""
    if not command_line.app.registered_groups:
        command_line._register_stages()
    command, rest = typer.main.get_command(command_line.app), list(words)
    while hasattr(command, "commands") and rest and not rest[0].startswith("-"):
        name = rest.pop(0)
        assert name in command.commands, f"there is no verb {name!r} in {words}"
        command = command.commands[name]
    if rest != ["--help"]:
        command.make_context(words[0], rest)


def check_configuration_and_rule(words: list[str]) -> None:
    """The configuration that a line of the workflow names is there, and so is the rule."""
    for option, value in pairwise(words):
        if option == "--configfile":
            assert Path(value).is_file(), f"{value}, which {words} names, is not there"
        if option == "--until":
            rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
            assert value in {name for found in _RULE.findall(rules) for name in found}
    if words[0] == "./test":
        for value in words[1:]:
            assert value.startswith("-") or (ROOT / value).exists()


def expanded(words: list[str]) -> list[str]:
    """The words with wildcards as a shell makes them."""
    found = []
    for word in words:
        files = sorted(map(str, Path().glob(word))) if "*" in word and word[0] not in "/{" else []
        found += files or [word]
    return found


def write(path: str, text: str) -> None:
    """Write a file of the page."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")
