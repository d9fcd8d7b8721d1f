"""A digest of what the reference is made from, so that the site is made again when that changes."""

import hashlib
from pathlib import Path

_LIBRARY = Path(__file__).resolve().parents[1]


def text_digest() -> str:
    """A digest of the library's text, docstrings included, which the digest of code leaves out."""
    digest = hashlib.sha256()
    for path in sorted(_LIBRARY.rglob("*.py")):
        digest.update(f"{path.relative_to(_LIBRARY)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
