"""Programs outside of Python that the page to play with is tried in."""

from redwood.tools import Tool

TOOLS = (
    Tool(
        "Chromium",
        ("chromium", "chromium-browser", "chrome"),
        "the tests of the page of `redwood explore`",
        "on Debian: apt install chromium",
    ),
)
