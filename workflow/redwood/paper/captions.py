"""The captions of figures: their one home is a folder with a text for each, FIGURE.rst."""

from pathlib import Path

from redwood.errors import InputError


def read_caption(figure: Path, captions: Path) -> str:
    """What a figure shows, in plain words.

    Args:
        figure: its file, named as the caption is.
        captions: the folder with the texts.

    Raises:
        InputError: there is no such text.
    """
    text = captions / f"{figure.stem}.rst"
    try:
        return " ".join(text.read_text(encoding="utf-8").replace("**", "").split())
    except FileNotFoundError:
        raise InputError(f"{text}: no such caption, of the figure {figure}") from None


def first_sentence(caption: str) -> str:
    """What stands for a figure where it cannot be seen."""
    return caption.partition(". ")[0].rstrip(".")
