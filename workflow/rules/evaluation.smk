# Synthetic rows against real ones: the measures, with floors and intervals.


# Models that have densities of rows, if a measure that needs them is asked for.
SCORED = [
    model
    for model, plugin in MODELS.items()
    if plugin.HAS_DENSITY and configuration.evaluation.says("NEEDS_DENSITIES")
]


def densities(wildcards):
    """The model's densities of real rows, if they are needed."""
    if wildcards.model not in SCORED:
        return []
    return "results/{dataset}/{training}surrogates/{model}/densities.parquet".format(**wildcards)


# What measures find of the real rows alone, which evaluations of all models share.
FLOORS = ["results/{dataset}/floors"] if configuration.evaluation.says("COSTLY_FLOOR") else []
MEASURES = [f"redwood.evaluation.measures.{name}" for name in configuration.evaluation.measures]

if FLOORS:

    rule evaluation_floors:
        input:
            table="results/{dataset}/records/table.json",
            train="results/{dataset}/records/train.parquet",
            holdout="results/{dataset}/records/test.parquet",
        output:
            **folder(FLOORS[0]),
        log:
            "results/{dataset}/logs/evaluation_floors.log",
        benchmark:
            "results/{dataset}/benchmarks/evaluation_floors.tsv"
        conda:
            "../../envs/evaluation.yaml"
        threads: 1
        resources:
            **needs("evaluation_floors"),
        params:
            environment=environment("evaluation"),
            code=code("redwood.evaluation.evaluating", *MEASURES),
            seed=configuration.seed_of("evaluation"),
            options=configuration.evaluation.model_dump_json(),
            # Samples have as many rows as the holdout unless it is said otherwise.
            rows=f"--rows {configuration.surrogates.rows}" if configuration.surrogates.rows else "",
        shell:
            "python -m redwood floors --table {input.table} --train {input.train}"
            " --holdout {input.holdout} --seed {params.seed} {params.rows}"
            " --options {params.options:q} --output {output.folder} 2> {log}"


rule evaluate:
    input:
        **folders(FLOORS),
        table="results/{dataset}/records/table.json",
        train="results/{dataset}/records/train.parquet",
        holdout="results/{dataset}/records/test.parquet",
        synthetic="results/{dataset}/{training}surrogates/{model}/sample.parquet",
        densities=densities,
    output:
        **folder("results/{dataset}/{training}evaluation/{model}"),
    log:
        "results/{dataset}/{training}logs/evaluate_{model}.log",
    benchmark:
        "results/{dataset}/{training}benchmarks/evaluate_{model}.tsv"
    conda:
        "../../envs/evaluation.yaml"
    threads: 1
    resources:
        **needs("evaluate"),
    params:
        environment=environment("evaluation"),
        code=code("redwood.evaluation.evaluating", *MEASURES),
        seed=configuration.seed_of("evaluation"),
        options=configuration.evaluation.model_dump_json(),
        role=lambda wildcards: MODELS[wildcards.model].ROLE,
        densities=lambda wildcards, input: (
            f"--densities {input.densities}" if input.densities else ""
        ),
        floors=f"--floors {FLOORS[0]}" if FLOORS else "",
    shell:
        "python -m redwood evaluate --table {input.table} --train {input.train}"
        " --holdout {input.holdout} --synthetic {input.synthetic} {params.densities}"
        " {params.floors}"
        " --seed {params.seed} --role {params.role}"
        " --options {params.options:q} --output {output.folder} 2> {log}"
