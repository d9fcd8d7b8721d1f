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


# The second floor: real rows of other units. Of generated records that is another realisation of
# their law, one of which stands in Table I as a control; of others, splits of the training rows.
OTHER_FLOORS = ["results/{dataset}/other_floors"] if configuration.evaluation.other_draws else []
REALISATIONS = ["results/{dataset}/realisations"] if OTHER_FLOORS and SOURCE.generate else []
EXACT_LAW = [f"results/{{dataset}}/evaluation/{Law.name}"] if REALISATIONS else []
if EXACT_LAW and Law.name in MODELS:
    raise WorkflowError(f"surrogates.models: {Law.name} is the name of a control, take another one")

if REALISATIONS:

    rule evaluation_realisations:
        input:
            table="results/{dataset}/records/table.json",
            like="results/{dataset}/records/test.parquet",
            sites="resources/sites.csv",
        output:
            **folder(REALISATIONS[0]),
        log:
            "results/{dataset}/logs/evaluation_realisations.log",
        benchmark:
            "results/{dataset}/benchmarks/evaluation_realisations.tsv"
        conda:
            "../../envs/records.yaml"
        threads: 1
        resources:
            **needs("evaluation_realisations"),
        params:
            environment=environment("records"),
            code=code("redwood.realising_command", "redwood.readers.systems"),
            seed=configuration.seed_of("records"),
            made=" ".join(f"--{name} {value}" for name, value in SOURCE.generate),
            options=configuration.records.cleaning.model_dump_json(),
            # One is the control.
            number=configuration.evaluation.other_draws + 1,
        shell:
            "python -m redwood generator realise {params.made} --seed {params.seed}"
            " --number {params.number} --table {input.table} --like {input.like}"
            " --site-table {input.sites} --options {params.options:q} --output {output.folder} 2> {log}"


if EXACT_LAW:

    rule evaluation_exact_law:
        input:
            **folders([*FLOORS, *REALISATIONS]),
            table="results/{dataset}/records/table.json",
            train="results/{dataset}/records/train.parquet",
            holdout="results/{dataset}/records/test.parquet",
        output:
            **folder(EXACT_LAW[0]),
        log:
            "results/{dataset}/logs/evaluation_exact_law.log",
        benchmark:
            "results/{dataset}/benchmarks/evaluation_exact_law.tsv"
        conda:
            "../../envs/evaluation.yaml"
        threads: 1
        resources:
            **needs("evaluation_exact_law"),
        params:
            environment=environment("evaluation"),
            code=code("redwood.evaluation.evaluating", *MEASURES),
            seed=configuration.seed_of("evaluation"),
            options=configuration.evaluation.model_dump_json(),
            floors=f"--floors {FLOORS[0]}" if FLOORS else "",
            synthetic=Law.jobs,
            role=Law.evaluated_as,
        shell:
            "python -m redwood evaluate --table {input.table} --train {input.train}"
            " --holdout {input.holdout} --synthetic {params.synthetic} {params.floors}"
            " --seed {params.seed} --role {params.role}"
            " --options {params.options:q} --output {output.folder} 2> {log}"


if OTHER_FLOORS:

    rule evaluation_other_floors:
        input:
            **folders([*REALISATIONS, *EXACT_LAW]),
            table="results/{dataset}/records/table.json",
            train="results/{dataset}/records/train.parquet",
            holdout="results/{dataset}/records/test.parquet",
        output:
            **folder(OTHER_FLOORS[0]),
        log:
            "results/{dataset}/logs/evaluation_other_floors.log",
        benchmark:
            "results/{dataset}/benchmarks/evaluation_other_floors.tsv"
        conda:
            "../../envs/evaluation.yaml"
        threads: 1
        resources:
            **needs("evaluation_other_floors"),
        params:
            environment=environment("evaluation"),
            code=code("redwood.evaluation.other_units", *MEASURES),
            seed=configuration.seed_of("evaluation"),
            options=configuration.evaluation.model_dump_json(),
            rows=f"--rows {configuration.surrogates.rows}" if configuration.surrogates.rows else "",
            realisations=" ".join(
                f"--realisation {folder}/{number}.parquet"
                for folder in REALISATIONS
                for number in range(2, configuration.evaluation.other_draws + 2)
            ),
            evaluated=f"--evaluated {EXACT_LAW[0]}" if EXACT_LAW else "",
        shell:
            "python -m redwood other-floors --table {input.table} --train {input.train}"
            " --holdout {input.holdout} {params.realisations} {params.evaluated}"
            " --seed {params.seed} {params.rows}"
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
