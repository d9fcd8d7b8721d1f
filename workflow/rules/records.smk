# Raw dumps → the job table → its train, validation and test rows.
from glob import glob

SOURCE = configuration.records.source
RAW = "results/{dataset}/records/raw"


def raw_dumps(wildcards):
    """The files to clean: the configured ones where they exist, else what is made or retrieved."""
    if SOURCE.generate is not None:
        return f"{RAW}/generated"
    if any(glob(pattern) for pattern in SOURCE.files):
        return sorted({path for pattern in SOURCE.files for path in glob(pattern)})
    if SOURCE.retrieve is not None:
        return f"{RAW}/{os.path.basename(SOURCE.retrieve.url)}"
    raise WorkflowError(f"records.source.files: nothing exists at {', '.join(SOURCE.files)}")


if SOURCE.generate is not None:

    rule records_generate:
        input:
            sites="resources/sites.csv",
        output:
            directory(f"{RAW}/generated"),
        log:
            "results/{dataset}/logs/records_generate.log",
        benchmark:
            "results/{dataset}/benchmarks/records_generate.tsv"
        conda:
            "../../envs/records.yaml"
        threads: 1
        resources:
            mem_mb=2000,
            runtime=30,
        params:
            code=code("redwood.records.generation"),
            seed=configuration.seed,
            made=SOURCE.generate,
        shell:
            "python -m redwood records generate --start {params.made.start} --days {params.made.days}"
            " --sites {params.made.sites} --jobs {params.made.jobs} --seed {params.seed}"
            " --output {output} 2> {log}"


if SOURCE.retrieve is not None:

    rule records_retrieve:
        output:
            f"{RAW}/{os.path.basename(SOURCE.retrieve.url)}",
        log:
            "results/{dataset}/logs/records_retrieve.log",
        benchmark:
            "results/{dataset}/benchmarks/records_retrieve.tsv"
        conda:
            "../../envs/records.yaml"
        threads: 1
        resources:
            mem_mb=500,
            runtime=60,
        params:
            code=code("redwood.records.retrieval"),
            url=SOURCE.retrieve.url,
            sha256=f"--sha256 {SOURCE.retrieve.sha256}" if SOURCE.retrieve.sha256 else "",
        shell:
            "python -m redwood records retrieve --url {params.url:q} {params.sha256}"
            " --output {output} 2> {log}"


rule records_clean:
    input:
        dumps=raw_dumps,
        sites="resources/sites.csv",
    output:
        jobs="results/{dataset}/records/jobs.parquet",
        table="results/{dataset}/records/table.json",
        rejected="results/{dataset}/records/rejected.parquet",
        summary="results/{dataset}/records/cleaning.json",
    log:
        "results/{dataset}/logs/records_clean.log",
    benchmark:
        "results/{dataset}/benchmarks/records_clean.tsv"
    conda:
        "../../envs/records.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, input: max(2000, 20 * input.size_mb),
        runtime=120,
    params:
        code=code("redwood.records.cleaning"),
        seed=configuration.seed,
        options=configuration.records.cleaning.model_dump_json(),
        folder="results/{dataset}/records",
    shell:
        "python -m redwood records clean {input.dumps:q} --sites {input.sites} --dataset {wildcards.dataset} --seed {params.seed}"
        " --options {params.options:q} --output {params.folder} 2> {log}"


rule records_split:
    input:
        jobs="results/{dataset}/records/jobs.parquet",
        table="results/{dataset}/records/table.json",
    output:
        train="results/{dataset}/records/train.parquet",
        validation="results/{dataset}/records/validation.parquet",
        test="results/{dataset}/records/test.parquet",
        summary="results/{dataset}/records/split.json",
    log:
        "results/{dataset}/logs/records_split.log",
    benchmark:
        "results/{dataset}/benchmarks/records_split.tsv"
    conda:
        "../../envs/records.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, input: max(1000, 20 * input.size_mb),
        runtime=30,
    params:
        code=code("redwood.records.splitting"),
        seed=configuration.seed,
        split=configuration.records.split,
        folder="results/{dataset}/records",
    shell:
        "python -m redwood records split --table {input.table} --jobs {input.jobs}"
        " --method {params.split.method} --train {params.split.train}"
        " --validation {params.split.validation} --seed {params.seed}"
        " --output {params.folder} 2> {log}"
