"""A job as PanDA has it, which cleaning keeps, and dumps of such jobs."""

import csv
from pathlib import Path

DATASET = "mc20_13TeV:mc20_13TeV.410470.PhPy8EG_ttbar.deriv.DAOD_PHYS.e6337_s3681_r13145_p4856"
JOB = {
    "PANDAID": "1",
    "JEDITASKID": "77",
    "ATTEMPTNR": "0",
    "CREATIONTIME": "2024-01-27 02:51:00",
    "STARTTIME": "2024-01-27 03:51:00",
    "ENDTIME": "2024-01-27 04:01:40",
    "MODIFICATIONTIME": "2024-01-27 04:10:00",
    "JOBSTATUS": "finished",
    "PRODSOURCELABEL": "user",
    "PROCESSINGTYPE": "panda-client-1.5-jedi-run",
    "COMPUTINGSITE": "CERN",
    "PRODUSERNAME": "Jane Q. Doe",
    "PRODUSERID": "/DC=ch/CN=jdoe/CN=Jane Q. Doe",
    "JOBNAME": "user.jdoe.test/.1",
    "PRODDBLOCK": DATASET,
    "INPUTFILEBYTES": "18600000000",
    "NINPUTDATAFILES": "10",
    "CORECOUNT": "8",
    "ACTUALCORECOUNT": "1",
    "CPUCONSUMPTIONTIME": "62076",
}


def write_csv(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path
