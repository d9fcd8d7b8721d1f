"""The lines of a block of CSV: where they are, and which of them may belong together."""

from collections.abc import Iterator

import numpy as np

from redwood.readers.blocks import line_ends

# A quoted cell with line ends in it closes within this many lines and bytes, or never.
MOST_LINES, MOST_BYTES = 500, 1 << 20


class BlockLines:
    """The n lines of a block.

    Attributes:
        data: whole lines.
        starts, ends: positions of each line's first byte and of its line feed, int64 [n].
        odd: which have an odd number of quotes: a quoted cell goes on after them, or comes from
            before, or they are broken, bool [n].
        filled: which hold more than blanks, bool [n].
    """

    def __init__(self, data: bytes) -> None:
        self.data = data
        codes = np.frombuffer(data, dtype=np.uint8)
        self.ends = line_ends(data)
        self.starts = np.concatenate([[0], self.ends[:-1] + 1]).astype(np.int64)[: len(self.ends)]
        self._quotes = np.flatnonzero(codes == ord('"'))
        if len(self._quotes):
            self.odd = np.diff(np.searchsorted(self._quotes, self.ends), prepend=0) % 2 == 1
        else:
            self.odd = np.zeros(len(self.ends), dtype=bool)
        self.filled = self.ends > self.starts
        for line in np.flatnonzero(codes[self.starts] == ord(" ")).tolist():
            self.filled[line] = bool(data[self.starts[line] : self.ends[line]].strip(b" "))

    def __len__(self) -> int:
        return len(self.ends)

    def text(self, line: int) -> str:
        """A line without its end."""
        return self.data[self.starts[line] : self.ends[line]].decode()

    def texts(self, first: int, stop: int) -> Iterator[str]:
        """Lines with their ends."""
        for line in range(first, stop):
            yield self.data[self.starts[line] : self.ends[line] + 1].decode()

    def reach(self, line: int) -> tuple[int, bool]:
        """How far a quoted cell that begins on a line may go.

        Returns:
            The line before which it has ended if it ever does, and whether it may go on in the
            next block.
        """
        far = int(np.searchsorted(self.starts, self.starts[line] + MOST_BYTES))
        stop = min(line + MOST_LINES, far, len(self))
        last = min(stop, len(self)) - 1
        following = int(np.searchsorted(self._quotes, self.ends[line]))
        closes = following < len(self._quotes) and self._quotes[following] < self.ends[last]
        return (stop if closes else line + 1), stop == len(self)

    def joined(self, lines: np.ndarray) -> bytes:
        """Some lines, in their order, one after the other."""
        if len(lines) == len(self):
            return self.data
        if not len(lines):
            return b""
        breaks = np.flatnonzero(np.diff(lines) > 1)
        firsts = lines[np.concatenate([[0], breaks + 1])]
        lasts = lines[np.concatenate([breaks, [len(lines) - 1]])]
        return b"".join(
            self.data[self.starts[first] : self.ends[last] + 1]
            for first, last in zip(firsts, lasts, strict=True)
        )
