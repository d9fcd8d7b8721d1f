"""A small scenario of which the exports are kept in `exports/`, and what formats ask of them."""

from redwood.simulation.exporting import case_to_write
from redwood.simulation.scenario import Scenario

SITES = [
    {"name": "CERN", "tier": 0, "cores": 4, "core_power": 20, "bandwidth": 1e9, "latency": 0.01,
     "read_bandwidth": 5e8, "write_bandwidth": 4e8},
    {"name": "A & <B>", "cores": 2, "bandwidth": 2e8, "latency": 0.02, "storage_bytes": 1e13},
    {"name": "TAPE", "cores": 0, "bandwidth": 1e9, "latency": 0.01},
]  # fmt: skip
LINK = {"between": ["CERN", "TAPE"], "bandwidth": 3e9, "latency": 0.001}
JOBS = """creationtime,computingsite,workload,size,cores,jobstatus,dataset
2024-01-01 00:00:00,CERN,36000,4000000000,1,finished,data1
2024-01-01 00:00:10,A & <B>,72000,1000000000,2,finished,data2
2024-01-01 00:00:20.5,A & <B>,18000,0,1,cancelled,none
2024-01-01 00:00:30,CERN,18000,1000000000,1,closed,data1
2024-01-01 00:00:40,CERN,90000,0,4,finished,none
2024-01-01 00:00:50,CERN,90000,0,5,finished,none
2024-01-01 00:01:00,CERN,18000,2000000000,1,finished,data1
"""
CATALOGUE = "dataset,sites\ndata1,CERN\ndata2,TAPE CERN\nnone,CERN\n"


def scenario(folder, **more):
    """It, with its files in a folder; `more` has further keys."""
    (folder / "jobs.csv").write_text(JOBS)
    (folder / "catalogue.csv").write_text(CATALOGUE)
    sites = [{"overhead_s": 100, "core_scaling": 0.8, **site} for site in SITES]
    return Scenario.load(
        {
            "environment": {"sites": sites, "links": [LINK]},
            "workload": {
                "jobs": str(folder / "jobs.csv"),
                "catalogue": str(folder / "catalogue.csv"),
            },
            "output_share": 0.5,
            "failures": "none",
            **more,
        }
    )


def case(folder, **more):
    return case_to_write(scenario(folder, **more))


def _constant(least=0):
    """A distribution of DCSim with one value."""
    values = {
        "type": {"const": "gaussian"},
        "average": {"type": "number", "minimum": least},
        "sigma": {"const": 0},
    }
    return {"type": "object", "properties": values, "required": list(values)}


def _strict(properties, optional=()):
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


_UNIT = r"^[0-9.]+(e[+-][0-9]+)?"
# Of the files that DCSim reads, after its README.md and src/SimpleSimulator.cpp.
DCSIM = {
    "datasets.json": {
        "additionalProperties": _strict(
            {
                "location": {"type": "array", "items": {"type": "string"}, "minItems": 1},
                "num_files": {"type": "integer", "minimum": 0},
                "filesize": _constant(),
            }
        )
    },
    "workload.json": {
        "additionalProperties": _strict(
            {
                # More of them in one workload crash it.
                "num_jobs": {"const": 1},
                "cores": _strict(
                    {
                        "type": {"const": "histogram"},
                        "counts": {"type": "array", "items": {"enum": [0, 1]}, "minItems": 2},
                    }
                ),
                "flops": _constant(1),
                "memory": _constant(),
                "outfilesize": _constant(),
                "workload_type": {"enum": ["copy", "streaming", "calculation"]},
                "submission_time": {"type": "number", "minimum": 0},
                "infile_datasets": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            },
            optional=("infile_datasets",),
        )
    },
}
# Of those that CGSim reads, after documentation/docs/computing_grid.md and its plug-ins.
CGSIM = {
    "sites.json": {
        "additionalProperties": _strict(
            {
                "storage": {"type": "string", "pattern": "^[0-9]+B$"},
                "SITE_PROPERTIES": _strict(
                    {
                        name: {"type": "string", "pattern": "^[0-9]+$"}
                        for name in ("GFLOPS", "storage_capacity_bytes", "file_count")
                    }
                ),
                "CPUInfo": {
                    "type": "array",
                    "minItems": 1,
                    "items": _strict(
                        {
                            "units": {"type": "integer", "minimum": 1},
                            "speed": {"type": "number", "exclusiveMinimum": 0},
                            "cores": {"type": "integer", "minimum": 1},
                            "ram": {"type": "string", "pattern": f"{_UNIT}GB$"},
                            "BW_CPU": {"type": "string", "pattern": f"{_UNIT}[KMGT]?Bps$"},
                            "LAT_CPU": {"type": "string", "pattern": f"{_UNIT}[num]?s$"},
                            "properties": {
                                "type": "array",
                                "items": _strict({"ram": {"type": "string"}}),
                            },
                            "disks": {
                                "type": "array",
                                "minItems": 1,
                                "items": _strict(
                                    {
                                        "name": {"type": "string"},
                                        "read_bw": {"pattern": f"{_UNIT}Bps$"},
                                        "write_bw": {"pattern": f"{_UNIT}Bps$"},
                                    }
                                ),
                            },
                        }
                    ),
                },
                "files": {
                    "type": "array",
                    "items": {
                        "prefixItems": [{"type": "string"}, {"type": "integer", "minimum": 1}],
                        "minItems": 2,
                        "maxItems": 2,
                    },
                },
            }
        )
    },
    "connections.json": {
        "propertyNames": {"pattern": "^[^:]+:[^:]+$"},
        "additionalProperties": _strict(
            {
                "bandwidth": {"type": "string", "pattern": f"{_UNIT}[KMG]?[Bb]ps$"},
                "latency": {"type": "string", "pattern": f"{_UNIT}[num]?s$"},
            }
        ),
    },
    "config.json": _strict(
        {
            "Grid_Name": {"type": "string"},
            "Sites_Information": {"const": "sites.json"},
            "Sites_Connection_Information": {"const": "connections.json"},
            "Limited_Sites": {"type": "array"},
            "Custom_Parameters": {"additionalProperties": {"type": "string"}},
        }
    ),
}
