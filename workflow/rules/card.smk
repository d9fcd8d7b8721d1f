# What there is to know of the job table, on one page.
rule card:
    input:
        **folders(["results/{dataset}/records/jobs"]),
        table="results/{dataset}/records/table.json",
        cleaning="results/{dataset}/records/cleaning.json",
        rejected="results/{dataset}/records/rejected.parquet",
        split="results/{dataset}/records/split.json",
    output:
        shown(
            "results/{dataset}/records/card.html", "card", "Records", "data card of the job table"
        ),
        "results/{dataset}/records/card.json",
    log:
        "results/{dataset}/logs/card.log",
    benchmark:
        "results/{dataset}/benchmarks/card.tsv"
    conda:
        "../../envs/records.yaml"
    threads: 1
    resources:
        **needs("card"),
    params:
        environment=environment("records"),
        code=code("redwood.card.describing"),
        folder="results/{dataset}/records",
    shell:
        "python -m redwood card --table {input.table} --jobs {input.folders} --cleaning {input.cleaning}"
        " --rejected {input.rejected} --split {input.split} --output {params.folder} 2> {log}"
