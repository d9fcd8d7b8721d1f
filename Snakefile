# From raw job records to the report; `snakemake -n` shows the way, README.md explains it.
import json
import os
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake_interface_executor_plugins.settings import ExecMode
from snakemake.logging import logger

sys.path.insert(0, f"{workflow.basedir}/workflow")

from redwood.cluster.costs import read_costs
from redwood.cluster.description import read_cluster
from redwood.cluster.requests import Requests
from redwood.cluster.slurm_amendments import amend_plugin
from redwood.code_digest import code_digest as code
from redwood.configuration import validate
from redwood.environment_digest import environment_digest as environment
from redwood.errors import InputError
from redwood.outputs import CONTENTS
from redwood.recovery.clock import redate_future
from redwood.recovery.records import mark_damaged


configfile: "config/config.yaml"


try:
    configuration = validate(config)
    # What a rule asks for: memory and time by rows and attempt, and where to run.
    requests = Requests(
        configuration,
        read_cluster(Path(), os.environ),
        read_costs(Path("resources/costs.csv")),
        Path("results", configuration.dataset),
    )
    needs = requests.needs
except InputError as error:
    raise WorkflowError(str(error))

amend_plugin()

if workflow.exec_mode == ExecMode.DEFAULT and not workflow.output_settings.dryrun:
    mark_damaged()
    redate_future([Path("resources"), Path("results", configuration.dataset)])

# Jobs find this Python and the library, on this machine and inside a Slurm job alike.
os.environ["PATH"] = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
os.environ["REDWOOD_LIBRARY"] = f"{workflow.basedir}/workflow"
# With --sdm conda the rule's own Python stands before this one: conda puts it first on PATH if no
# environment seems active, else in that one's place, which may be behind.
os.environ.pop("CONDA_SHLVL", None)
# A job is snakemake's own child and ends with it, however that ends: no orphan writes on.
os.environ["REDWOOD_END_WITH_PARENT"] = "1"
# Snakemake takes PYTHONPATH from jobs in conda environments, hence it is set here, and goes on if an
# environment could not be activated, with whichever Python it finds; these jobs do not.
shell.prefix('[ $? -eq 0 ] || exit; PYTHONPATH="$REDWOOD_LIBRARY" exec ')

# With --sdm conda apptainer: the image that workflow/setup/dockerfile.py describes.
if "REDWOOD_IMAGE" in os.environ:

    containerized: os.environ["REDWOOD_IMAGE"]


onstart:
    # Requests are capped at what the cluster has, which would hide that it is too little.
    if workflow.non_local_exec:
        for warning in requests.beyond_limits():
            logger.warning(warning)


report: "workflow/report/workflow.rst"


# Of a limit on GPUs, each of a batch system's jobs has its own.
resource_scopes:
    gpu="local",


wildcard_constraints:
    dataset=configuration.dataset,
    training=r"(trainings/\d+/)?",
    model="|".join(configuration.surrogates.models),
    workload="|".join(["recorded", *configuration.surrogates.models]),
    policy="|".join(map(re.escape, configuration.simulation.labels)),


def shown(path, name, category, label):
    """A file that the report shows, with its caption."""
    return report(
        path,
        caption=f"../report/{name}.rst",
        category=category,
        labels={category.lower().rstrip("s"): label},
    )


def folder(path):
    """A folder as an output: beside it the list of what is in it, which stages write."""
    return {"folder": directory(path), "contents": f"{path}/{CONTENTS}"}


def folders(paths):
    """Folders as an input: what is in them counts. Their age does not, which a copy does not keep."""
    return {"folders": ancient(paths), "contents": [f"{path}/{CONTENTS}" for path in paths]}


include: "workflow/rules/records.smk"
include: "workflow/rules/generator.smk"
include: "workflow/rules/card.smk"
include: "workflow/rules/surrogates.smk"
include: "workflow/rules/evaluation.smk"
include: "workflow/rules/release.smk"
include: "workflow/rules/simulation.smk"
include: "workflow/rules/paper.smk"
include: "workflow/rules/artefacts.smk"


rule all:
    default_target: True
    input:
        # All stages' results, not the last ones alone: snakemake makes again what a run that was
        # interrupted left missing, and what follows from it, only if it is a target itself.
        expand(
            [*FILES, *FOLDERS, *folders(FOLDERS)["contents"], *PUBLISHED, *rules.manifest.output],
            dataset=configuration.dataset,
        ),
