"""Every code block of the documentation runs, or says why it is not run."""

import pytest
from tests.unit.documentation.blocks import ROOT, Runner, blocks_of

# The tutorial has a test of its own.
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks_of(page)], ids=lambda page: page.stem
)
def test_every_block_of_a_page_runs_in_turn_or_says_why_not(page, workplace):
    runner = Runner()
    for block in blocks_of(page):
        try:
            runner.run(block)
        except Exception as error:
            raise AssertionError(f"{page.name}, line {block.line}:\n{block.text}") from error
    runner.require_success()
