# The report of a finished run: Snakemake's own page, with every table and figure inside.
import json
import shutil
import subprocess


def write_report():
    """Make results/{dataset}/report.html if it is older than what it shows; show it as the last."""
    folder = f"results/{configuration.dataset}"
    shown = expand(REPORTED, dataset=configuration.dataset)
    if not all(os.path.exists(path) for path in shown):
        return  # only a part of the way was asked for
    page = f"{folder}/report.html"
    newest = max(os.path.getmtime(path) for path in shown)
    if not os.path.exists(page) or os.path.getmtime(page) < newest:
        with open(f"{folder}/configuration.json", "w") as stream:
            json.dump(config, stream, indent=2, default=str)
        # All jobs are done; without this the lock of this run would stop the one that reports it.
        workflow.persistence.unlock()
        command = [sys.executable, "-m", "snakemake", "--quiet", "all", "--nolock"]
        command += ["--snakefile", workflow.main_snakefile, "--configfile", stream.name]
        subprocess.run([*command, "--report", page], check=True)
    shutil.copyfile(page, "results/.report.html")
    os.replace("results/.report.html", "results/report.html")
    print(f"report: results/report.html ({configuration.dataset})", file=sys.stderr)
