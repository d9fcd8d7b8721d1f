"""Jobs that stand in the dumps more than once: the latest modification stays, the others go."""

from collections.abc import Sequence

import numpy as np

from redwood.readers.foreign import systems
from redwood.records.cleaned_file import CleanedFile
from redwood.sql import database

# Rows of all files, rejected ones too. Only repeated identifiers are put in order. What `numbering`
# costs for each row is spared where all files have the same.
_LOSERS = """
    WITH copies AS (
        SELECT list_position($candidates, filename) AS file, file_row_number AS position,
            pandaid, modificationtime, record {numbering}
        FROM read_parquet($candidates, filename = true, file_row_number = true)
        UNION ALL
        SELECT list_position($rejected, filename) AS file, NULL,
            pandaid, modificationtime, record {numbering}
        FROM read_parquet($rejected, filename = true)
    ), repeated AS (
        SELECT {key} FROM copies WHERE pandaid IS NOT NULL GROUP BY ALL HAVING count(*) > 1
    ), ordered AS (
        SELECT file, position, row_number() OVER (
            PARTITION BY {key}
            ORDER BY modificationtime DESC NULLS LAST, file DESC, record DESC
        ) AS place
        FROM copies SEMI JOIN repeated USING ({key})
    )
    SELECT file - 1 AS file, position FROM ordered
    WHERE place > 1 AND position IS NOT NULL ORDER BY file, position
"""
_ONE_NUMBERING = {"numbering": "", "key": "pandaid"}
_NUMBERINGS = {"numbering": ", $numbering[file] AS numbering", "key": "pandaid, numbering"}


def superseded(files: Sequence[CleanedFile]) -> list[np.ndarray]:
    """For each file the positions of candidates of which there is a later copy, ascending.

    Rows that a step rejected count as copies, too: if the latest word on a job is that it cannot
    be used, no earlier word is taken instead. Of equally late copies the one further on stays.
    A log that numbers its jobs by itself has copies only within it, and other systems' numbers are
    none of PanDA's. Exact at any size: what does not fit into memory lies in a temporary folder.

    Args:
        files: cleaned files, in the order of the dumps.
    """
    parameters: dict[str, list] = {
        part: [str(file.folder / f"{part}.parquet") for file in files]
        for part in ("candidates", "rejected")
    }
    # Jobs are told apart within each of these: a system, or a file that numbers them by itself.
    numberings = [
        (file.account["system"], number if systems()[file.account["system"]].OWN_NUMBERS else None)
        for number, file in enumerate(files)
    ]
    query = _LOSERS.format(**_ONE_NUMBERING)
    if len(set(numberings)) > 1:
        query = _LOSERS.format(**_NUMBERINGS)
        parameters |= {"numbering": [numberings.index(own) for own in numberings]}
    with database() as connection:
        found = connection.execute(query, parameters).fetchnumpy()
    position = np.asarray(found["position"], dtype=np.int64)
    return [position[found["file"] == number] for number in range(len(files))]
