"""Getting a public trace: downloaded beside its place, checked, then renamed."""

import hashlib
import sys
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from redwood.errors import InputError
from redwood.outputs import write_json, write_text, writing
from redwood.progress import ProgressReport

_BLOCK = 1 << 20
_TIMEOUT_S = 60


def retrieve(url: str, sha256: str | None, output: Path) -> None:
    """Download `url` to `output`; its digest goes to `output`.sha256 and is printed.

    Nothing is left at `output` unless the file came whole and, where a digest is given, is the one
    expected; an interrupted download starts again. A server that does not say how long a file is
    may break off unnoticed: then only a digest tells.

    Raises:
        InputError: an address that is not valid or holds a password, no connection, no such file, a
            broken transfer, or another digest.
    """
    _check_address(url)
    digest = hashlib.sha256()
    with writing(output) as partial:
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as answer, partial.open("wb") as f:
                size = _copy(answer, f, digest, _announced(answer))
        except urllib.error.HTTPError as error:
            raise InputError(f"{url}: the server answers {error.code} {error.reason}") from None
        except (urllib.error.URLError, HTTPException, OSError) as error:
            reason = getattr(error, "reason", None) or error
            raise InputError(
                f"{url}: cannot be retrieved: {reason}; without a network put the file at {output}"
            ) from None
        if not size:
            raise InputError(f"{url}: the server sent nothing")
        found = digest.hexdigest()
        if sha256 is not None and found != sha256:
            raise InputError(f"{url}: sha256 is {found}, expected {sha256}")
        write_text(output.with_name(f"{output.name}.sha256"), f"{found}  {output.name}\n")
        write_json(
            output.with_name(f"_{output.name}.json"),
            {"url": url, "bytes": size, "sha256": found, "expected_sha256": sha256},
        )
    print(f"{output}: {size} bytes, sha256 {found}", file=sys.stderr)


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        known = False
    if not known:
        raise InputError("the address of the file is not valid; expected https://…")
    if parts.username or parts.password:
        raise InputError(
            f"{parts.hostname}: an address with a password would end up in logs and results; "
            "leave the password out"
        )


def _announced(answer: HTTPResponse) -> int:
    """Bytes that the server says are coming, 0 if it does not say."""
    length = answer.headers.get("Content-Length") or ""
    return int(length) if length.isdecimal() else 0


def _copy(source: BinaryIO, target: BinaryIO, digest: "hashlib._Hash", expected: int) -> int:
    """Copy and digest a stream; returns the number of bytes.

    Args:
        expected: bytes announced by the server, 0 if it did not say.
    """
    size = 0
    with ProgressReport("retrieving", expected, "bytes") as report:
        while block := source.read(_BLOCK):
            target.write(block)
            digest.update(block)
            size += len(block)
            report.advance(len(block))
    if expected and size != expected:
        raise ConnectionError(f"the connection broke after {size} of {expected} bytes")
    return size
