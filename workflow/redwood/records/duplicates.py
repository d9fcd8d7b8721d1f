"""Jobs that stand in the dumps more than once: the latest modification stays, the others go."""

from collections.abc import Sequence

import numpy as np

from redwood.readers.foreign import systems
from redwood.records.cleaned_file import CleanedFile
from redwood.sql import database

# Rows of all files, rejected ones too. Only repeated identifiers are put in order.
_LOSERS = """
    WITH rows AS (
        SELECT list_position($candidates, filename) AS file, file_row_number AS position,
            pandaid, modificationtime, record
        FROM read_parquet($candidates, filename = true, file_row_number = true)
        UNION ALL
        SELECT list_position($rejected, filename), NULL, pandaid, modificationtime, record
        FROM read_parquet($rejected, filename = true)
    ), copies AS (
        SELECT *, $numbering[file] AS numbering FROM rows WHERE pandaid IS NOT NULL
    ), repeated AS (
        SELECT pandaid, numbering FROM copies GROUP BY ALL HAVING count(*) > 1
    ), ordered AS (
        SELECT file, position, row_number() OVER (
            PARTITION BY pandaid, numbering
            ORDER BY modificationtime DESC NULLS LAST, file DESC, record DESC
        ) AS place
        FROM copies SEMI JOIN repeated USING (pandaid, numbering)
    )
    SELECT file - 1 AS file, position FROM ordered
    WHERE place > 1 AND position IS NOT NULL ORDER BY file, position
"""


def superseded(files: Sequence[CleanedFile]) -> list[np.ndarray]:
    """For each file the positions of candidates of which there is a later copy, ascending.

    Rows that a step rejected count as copies, too: if the latest word on a job is that it cannot
    be used, no earlier word is taken instead. Of equally late copies the one further on stays.
    A log that numbers its jobs by itself has copies only within it, and other systems' numbers are
    none of PanDA's. Exact at any size: what does not fit into memory lies in a temporary folder.

    Args:
        files: cleaned files, in the order of the dumps.
    """
    paths = {
        part: [str(file.folder / f"{part}.parquet") for file in files]
        for part in ("candidates", "rejected")
    }
    # Jobs are told apart within each of these: a system, or a file that numbers them by itself.
    numberings = [
        (file.account["system"], number if systems()[file.account["system"]].OWN_NUMBERS else None)
        for number, file in enumerate(files)
    ]
    numbering = [numberings.index(own) for own in numberings]
    with database() as connection:
        found = connection.execute(_LOSERS, paths | {"numbering": numbering}).fetchnumpy()
    position = np.asarray(found["position"], dtype=np.int64)
    return [position[found["file"] == number] for number in range(len(files))]
