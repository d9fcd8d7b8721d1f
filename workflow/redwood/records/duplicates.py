"""Jobs that stand in the dumps more than once: the latest modification stays, the others go."""

from collections.abc import Sequence

import numpy as np

from redwood.records.cleaned_file import CleanedFile
from redwood.sql import database

# Rows of all files, rejected ones too. Only repeated identifiers are put in order.
_LOSERS = """
    WITH copies AS (
        SELECT list_position($candidates, filename) AS file, file_row_number AS position,
            pandaid, modificationtime, record
        FROM read_parquet($candidates, filename = true, file_row_number = true)
        UNION ALL
        SELECT list_position($rejected, filename), NULL, pandaid, modificationtime, record
        FROM read_parquet($rejected, filename = true)
    ), repeated AS (
        SELECT pandaid FROM copies WHERE pandaid IS NOT NULL GROUP BY pandaid HAVING count(*) > 1
    ), ordered AS (
        SELECT file, position, row_number() OVER (
            PARTITION BY pandaid
            ORDER BY modificationtime DESC NULLS LAST, file DESC, record DESC
        ) AS place
        FROM copies SEMI JOIN repeated USING (pandaid)
    )
    SELECT file - 1 AS file, position FROM ordered
    WHERE place > 1 AND position IS NOT NULL ORDER BY file, position
"""


def superseded(files: Sequence[CleanedFile]) -> list[np.ndarray]:
    """For each file the positions of candidates of which there is a later copy, ascending.

    Rows that a step rejected count as copies, too: if the latest word on a job is that it cannot
    be used, no earlier word is taken instead. Of equally late copies the one further on stays.
    Exact at any size: what does not fit into memory lies in a temporary folder.

    Args:
        files: cleaned files, in the order of the dumps.
    """
    paths = {
        part: [str(file.folder / f"{part}.parquet") for file in files]
        for part in ("candidates", "rejected")
    }
    with database() as connection:
        found = connection.execute(_LOSERS, paths).fetchnumpy()
    position = np.asarray(found["position"], dtype=np.int64)
    return [position[found["file"] == number] for number in range(len(files))]
