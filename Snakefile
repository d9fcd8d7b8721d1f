# From raw job records to the report; `snakemake -n` shows the way, docs/index.md explains it.
import json
import os
import re
import sys
from glob import glob

sys.path.insert(0, f"{workflow.basedir}/workflow")

from snakemake.exceptions import WorkflowError

from redwood.code_digest import code_digest as code
from redwood.environment_digest import environment_digest as environment
from redwood.errors import InputError
from redwood.outputs import CONTENTS
from redwood.runs.preparing import begin, engines_there, prepare, renew_damaged
from redwood.seeds import derive_seed


configfile: "config/config.yaml"


configuration, requests = prepare(workflow, shell, config)
# What a rule asks for: memory and time by rows and attempt, and where to run.
needs = requests.needs

# With --sdm conda apptainer: the image that workflow/setup/dockerfile.py describes.
if "REDWOOD_IMAGE" in os.environ:

    containerized: os.environ["REDWOOD_IMAGE"]


onstart:
    begin(workflow, requests)


report: "workflow/report/workflow.rst"


# A limit on GPUs is for this machine: each job of a batch system has its own.
resource_scopes:
    gpu="local",


class Law:
    """The control of generated records that is another realisation of their law.

    New users and tasks: real jobs of others, as a second floor. Its name is known nowhere else. What
    reads its evaluation or its simulations goes by what it is there.
    """

    name = "exact_law"
    evaluated_as = "law"
    simulated_as = "control"
    # Of the realisations the first; the others are for the floor.
    jobs = "results/{dataset}/realisations/1.parquet"
    made = f"results/{{dataset}}/realisations/{CONTENTS}"


wildcard_constraints:
    dataset=configuration.dataset,
    training=r"(trainings/\d+/)?",
    shadow=r"(shadows/\d+/)?",
    model="|".join(configuration.surrogates.models),
    workload="|".join(["recorded", Law.name, *configuration.surrogates.models]),
    policy="|".join(map(re.escape, configuration.simulation.labels)),
    engine="|".join(configuration.simulation.engines),


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
include: "workflow/rules/runs.smk"
include: "workflow/rules/documentation.smk"


# All that rules make, not only what comes last: what an interrupted run left missing, or a damaged
# one, is made again, with what follows from it, only if it is a target itself.
EVERYTHING = expand(
    [*FILES, *FOLDERS, *folders(FOLDERS)["contents"], *PUBLISHED, *rules.manifest.output],
    dataset=configuration.dataset,
)
EVERYTHING += [*rules.paper.output, *rules.report_page.output]
renew_damaged(workflow, configuration.dataset, EVERYTHING)


rule all:
    default_target: True
    input:
        EVERYTHING,
