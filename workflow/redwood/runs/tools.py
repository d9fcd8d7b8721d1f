"""Programs outside of Python that runs use."""

from redwood.tools import Tool

TOOLS = (
    Tool(
        "Slurm",
        ("sbatch",),
        "runs on a cluster (--profile slurm)",
        "ask the cluster's operators; to try it, on Debian: apt install slurm-wlm",
    ),
    Tool(
        "conda",
        ("conda", "mamba", "micromamba"),
        "one environment per stage (--sdm conda)",
        "https://conda-forge.org/download",
    ),
    Tool(
        "Apptainer",
        ("apptainer", "singularity"),
        "the same in one image (--sdm conda apptainer)",
        "https://apptainer.org",
    ),
    Tool("git", ("git",), "says in results of which commit they are", "on Debian: apt install git"),
)
