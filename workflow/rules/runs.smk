# All results of a run → the manifest that says where each of them comes from.

# The outputs of the rules whose results no other rule reads.
LAST = [
    rules.card.output,
    *([rules.generator_calibrate.output] if SOURCE.generate else []),
    rules.table1.output,
    rules.table2.output,
    rules.simulation_page.output,
    *([rules.simulation_engines.output] if ENGINES else []),
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
    *RUNS_ELSEWHERE,
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
    *expand(
        "{path}/{name}",
        path=PLANTED,
        name=["train.parquet", "canaries.parquet", "planting.json"],
    ),
    *expand("{path}/{name}", path=SHADOWS, name=["sample.parquet", "sample.json"]),
    *AUDITS,
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


# What the report shows.
TOLD = expand(
    [
        rules.manifest.output.manifest,
        *(path for path in RELEASES if path not in PUBLISHED),
        *(path for output in LAST for path in output),
    ],
    dataset=configuration.dataset,
)


# What a reviewer gets. After the manifest, which has commit and machine, and so not in it: what it
# says of them must not make it differ from what the same results gave elsewhere.
rule paper:
    input:
        TOLD,
        expand(
            [
                rules.manifest.output.configuration,
                rules.records_gather.output.table,
                "results/{dataset}/records/test.parquet",
            ],
            dataset=configuration.dataset,
        ),
        published=ancient(expand(PUBLISHED, dataset=configuration.dataset)),
        captions=[f"workflow/report/{figure}.rst" for figure in FIGURES],
    output:
        f"results/{configuration.dataset}/paper/paper.pdf",
        *(
            f"results/{configuration.dataset}/paper/sample.{suffix}"
            for suffix in ("csv", "md", "tex")
        ),
    log:
        f"results/{configuration.dataset}/logs/paper.log",
    benchmark:
        f"results/{configuration.dataset}/benchmarks/paper.tsv"
    # It reads one file of each kind and is made in two seconds.
    localrule: True
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        **needs("paper"),
    params:
        environment=environment("paper"),
        code=code("redwood.paper.document.writing"),
        folder=f"results/{configuration.dataset}",
    shell:
        "python -m redwood paper document {params.folder} --captions workflow/report"
        " --output {params.folder}/paper/paper.pdf 2> {log}"


# What a reader begins with. Last of all, for it shows where everything is from; and not in the
# folder of the dataset, whose manifest it tells of.
rule report_page:
    input:
        TOLD,
        captions=[f"workflow/report/{figure}.rst" for figure in FIGURES],
        # Named, not shown: it says the same for print.
        paper=rules.paper.output[0],
        page=expand(rules.simulation_page.output, dataset=configuration.dataset),
    output:
        "results/report.html",
    log:
        f"results/{configuration.dataset}/logs/report_page.log",
    benchmark:
        f"results/{configuration.dataset}/benchmarks/report_page.tsv"
    # It reads one file of each kind and is made in a second.
    localrule: True
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        **needs("report_page"),
    params:
        environment=environment("paper"),
        code=code("redwood.paper.report.writing"),
        folder=f"results/{configuration.dataset}",
    shell:
        "python -m redwood paper report {params.folder} --captions workflow/report"
        " --document {input.paper} --interactive {input.page} --output {output} 2> {log}"
