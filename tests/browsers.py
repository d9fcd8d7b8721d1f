"""A browser for the tests of pages."""

import os
import shutil
import warnings

import pytest


# Not of the session: Playwright's event loop would be in the way of the tests that come after.
@pytest.fixture(scope="module")
def browser():
    """Headless Chromium. Where there is none, its tests are skipped, and that is said."""
    reason = None
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        reason = "playwright is not installed"
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
    if path is None:
        reason = "no chromium on PATH (on Debian: apt install chromium)"
    if reason is not None:
        if os.environ.get("REDWOOD_NEEDS_BROWSER"):
            pytest.fail(reason)
        warnings.warn(f"pages are not tested in a browser: {reason}", stacklevel=1)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path)
        yield started
        started.close()
