# All results of a run → the manifest that says where each of them comes from.

# The outputs of the rules whose results no other rule reads.
LAST = [
    rules.card.output,
    *([rules.generator_calibrate.output] if SOURCE.generate else []),
    rules.table1.output,
    rules.table2.output,
    *(getattr(rules, f"figure_{figure}").output for figure in FIGURES),
]
FOLDERS = [
    *CLEANED,
    "results/{dataset}/records/jobs",
    *MODEL_FOLDERS,
    *(f"{path}/model" for path in SHADOWS),
    *FLOORS,
    *REALISATIONS,
    *EXACT_LAW,
    *OTHER_FLOORS,
    *EVALUATIONS,
    *RUNS,
]
PUBLISHED = [path for path in RELEASES if path.endswith("/published")]
FILES = [
    *([BIGPANDA_NOTE] if SOURCE.bigpanda else DUMPS.values()),
    *([rules.generator_make.output.marker] if SOURCE.generate else []),
    rules.records_gather.output.table,
    rules.records_gather.output.rejected,
    rules.records_gather.output.summary,
    *rules.records_split.output,
    *SAMPLES,
    *(path.replace(".parquet", ".json") for path in SAMPLES),
    *DENSITIES,
    *(rules.release_plant.output if SHADOWS else []),
    *expand("{path}/{name}", path=SHADOWS, name=["sample.parquet", "sample.json", "audit.json"]),
    *rules.simulation_platform.output,
    *rules.simulation_outcomes.output,
    *(path for path in RELEASES if path not in PUBLISHED),
    *(path for output in LAST for path in output),
]


rule manifest:
    input:
        FILES,
        **folders(FOLDERS),
        published=ancient(PUBLISHED),
    output:
        manifest="results/{dataset}/ro-crate-metadata.json",
        configuration="results/{dataset}/configuration.json",
    log:
        "results/{dataset}/logs/manifest.log",
    benchmark:
        "results/{dataset}/benchmarks/manifest.tsv"
    # Git may be missing on the nodes of a cluster, and Snakemake's records out of their sight.
    localrule: True
    conda:
        "../../envs/runs.yaml"
    threads: 1
    resources:
        **needs("manifest"),
    params:
        environment=environment("runs"),
        # No commit: one that changes nothing must make nothing stale.
        code=code("redwood.runs.manifest"),
        # Without the dumps, which Snakemake's records name and of which there may be many.
        configuration=configuration.model_dump_json(exclude={"records": {"source": {"files"}}}),
        downloads=f"--downloads {RAW}/bigpanda" if SOURCE.bigpanda else "",
        folder="results/{dataset}",
        # One file of each rule: the command finds the others, and all that they were made from, in
        # Snakemake's records, so that the line stays far below the 128 kB that Linux allows.
        last=" ".join(f"--last {output[0]}" for output in LAST),
    shell:
        "python -m redwood artefacts manifest {params.folder} {params.last}"
        " {params.downloads} --configuration {params.configuration:q} 2> {log}"
