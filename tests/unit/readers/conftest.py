"""Blocks of any size, for the tests of the readers."""

import pytest

from redwood.readers import blocks


@pytest.fixture(autouse=True)
def _no_block_size_outlives_a_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK_BYTES", blocks.BLOCK_BYTES)


@pytest.fixture(params=[48, 1 << 24])
def block_bytes(request: pytest.FixtureRequest) -> int:
    """Files are read in blocks of so many bytes: smaller than a line, and larger than a file."""
    blocks.BLOCK_BYTES = request.param
    return request.param
