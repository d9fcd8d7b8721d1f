"""Quotes within quoted cells of CSV: doubled, as RFC 4180 has it, or after a backslash.

Spark, MySQL and others write `"a \\"b\\" c"` for `"a ""b"" c"`. Nothing in a file says which it is.
"""

import re

_ESCAPED = rb'(?<!\\)((?:\\\\)*)\\"'
_TO_DOUBLE = re.compile(_ESCAPED)


class Quotes:
    """Learns from a file how quotes are escaped, and doubles them.

    Args:
        delimiter: between cells.
    """

    def __init__(self, delimiter: str) -> None:
        ends = rb"\n" + re.escape(delimiter.encode())
        # Neither would a quote that ends a cell stand like that, nor one of a doubled pair.
        self._after_backslash = re.compile(_ESCAPED + rb'(?=[^"' + ends + rb']|"[' + ends + rb"])")
        self._pair = re.compile(rb'(?<=[^\\"' + ends + rb'])""(?=[^"' + ends + rb"])")
        self._backslash: bool | None = None

    def doubled(self, data: bytes) -> bytes:
        """Whole lines with all quotes within cells doubled; no byte changes its place."""
        if b'\\"' not in data or self._backslash is False:
            return data
        if self._backslash is None:
            escaped = sum(1 for _ in self._after_backslash.finditer(data))
            pairs = sum(1 for _ in self._pair.finditer(data))
            if escaped == pairs == 0:
                return data
            self._backslash = escaped > pairs
        return _TO_DOUBLE.sub(rb'\1""', data) if self._backslash else data
