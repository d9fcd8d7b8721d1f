# A sample that is to be published, shadow models trained with canaries → published, or why not.
LEVELS = " ".join(f"--level {level}" for level in configuration.release.levels)
DECISIONS = expand(
    "results/{{dataset}}/release/decisions/{model}/decision.json",
    model=configuration.released_models,
)
DECISION_FOLDERS = expand(
    "results/{{dataset}}/release/decisions/{model}", model=configuration.released_models
)
RELEASES = expand(
    "results/{{dataset}}/release/decisions/{model}/{name}",
    model=configuration.released_models,
    name=["decision.json", "note.html", "note.md", "published"],
)
AUDITS = expand(
    "results/{{dataset}}/release/shadow_models/{model}/audit.json",
    model=configuration.released_models,
)


# As with trainings: the first shadow model of each model has the plain paths, further ones
# (`release.shadow_models`) the same below a folder of their own.
def shadow_folder(number):
    return "" if number == 1 else f"shadows/{number}/"


def of_shadows(path, model):
    """A path below the results of each of a model's shadow models."""
    return [
        f"results/{{dataset}}/{shadow_folder(number)}{path}"
        for number in configuration.shadow_models(model)
    ]


def shadows(path):
    """As an input: a path below the results of each shadow model of the rule's model."""
    return lambda wildcards: [
        found.format(**wildcards) for found in of_shadows(path, wildcards.model)
    ]


SHADOWS = [
    found.replace("{model}", model)
    for model in configuration.released_models
    for found in of_shadows("release/shadow_models/{model}", model)
]
PLANTED = sorted(
    {
        found
        for model in configuration.released_models
        for found in of_shadows("release/planted", model)
    }
)


def planting_seed(wildcards):
    """The run's seed for the first shadow models, one drawn from it for the next."""
    seed, number = configuration.seed_of("release"), wildcards.shadow.strip("/").rpartition("/")[2]
    return derive_seed(seed, "shadow", int(number)) if number else seed


rule release_plant:
    input:
        table="results/{dataset}/records/table.json",
        train="results/{dataset}/records/train.parquet",
    output:
        train="results/{dataset}/{shadow}release/planted/train.parquet",
        canaries="results/{dataset}/{shadow}release/planted/canaries.parquet",
        summary="results/{dataset}/{shadow}release/planted/planting.json",
    log:
        "results/{dataset}/{shadow}logs/release_plant.log",
    benchmark:
        "results/{dataset}/{shadow}benchmarks/release_plant.tsv"
    conda:
        "../../envs/evaluation.yaml"
    threads: 1
    resources:
        **needs("release_plant"),
    params:
        environment=environment("evaluation"),
        code=code("redwood.release.canaries"),
        seed=planting_seed,
        levels=LEVELS,
        # With their names, as Snakemake compares the values of all parameters as one set.
        planted=" ".join(
            [
                f"--units {configuration.release.units}",
                *(f"--size {size}" for size in configuration.release.sizes),
            ]
        ),
        folder="results/{dataset}/{shadow}release/planted",
    shell:
        "python -m redwood release plant --table {input.table} --train {input.train}"
        " {params.levels} {params.planted}"
        " --seed {params.seed} --output {params.folder} 2> {log}"


use rule surrogates_train as release_train with:
    input:
        table="results/{dataset}/records/table.json",
        train="results/{dataset}/{shadow}release/planted/train.parquet",
        validation="results/{dataset}/records/validation.parquet",
    output:
        **folder("results/{dataset}/{shadow}release/shadow_models/{model}/model"),
    log:
        "results/{dataset}/{shadow}logs/release_train_{model}.log",
    benchmark:
        "results/{dataset}/{shadow}benchmarks/release_train_{model}.tsv"
    resources:
        **needs("release_train"),


use rule surrogates_sample as release_sample with:
    input:
        **folders(["results/{dataset}/{shadow}release/shadow_models/{model}/model"]),
        test="results/{dataset}/records/test.parquet",
    output:
        sample="results/{dataset}/{shadow}release/shadow_models/{model}/sample.parquet",
        summary="results/{dataset}/{shadow}release/shadow_models/{model}/sample.json",
    log:
        "results/{dataset}/{shadow}logs/release_sample_{model}.log",
    benchmark:
        "results/{dataset}/{shadow}benchmarks/release_sample_{model}.tsv"
    resources:
        **needs("release_sample"),


rule release_audit:
    input:
        table="results/{dataset}/records/table.json",
        train="results/{dataset}/records/train.parquet",
        canaries=shadows("release/planted/canaries.parquet"),
        planting=shadows("release/planted/planting.json"),
        sample=shadows("release/shadow_models/{model}/sample.parquet"),
    output:
        "results/{dataset}/release/shadow_models/{model}/audit.json",
    log:
        "results/{dataset}/logs/release_audit_{model}.log",
    benchmark:
        "results/{dataset}/benchmarks/release_audit_{model}.tsv"
    conda:
        "../../envs/evaluation.yaml"
    threads: 1
    resources:
        **needs("release_audit"),
    params:
        environment=environment("evaluation"),
        code=code("redwood.release.audit"),
        seed=configuration.seed_of("release"),
        shadows=lambda wildcards: " ".join(
            f"--canaries {canaries} --synthetic {sample}"
            for canaries, sample in zip(
                shadows("release/planted/canaries.parquet")(wildcards),
                shadows("release/shadow_models/{model}/sample.parquet")(wildcards),
            )
        ),
        judged=(
            f"--up-to-rows {configuration.release.up_to_rows}"
            if configuration.release.up_to_rows
            else ""
        ),
    shell:
        "python -m redwood release audit --table {input.table} --train {input.train}"
        " {params.shadows} --seed {params.seed} {params.judged} --output {output} 2> {log}"


rule release_decide:
    input:
        **folders(
            [
                "results/{dataset}/evaluation/{model}",
                "results/{dataset}/surrogates/{model}/model",
            ]
        ),
        shadows=ancient(shadows("release/shadow_models/{model}/model")),
        shadow_contents=shadows(f"release/shadow_models/{{model}}/model/{CONTENTS}"),
        table="results/{dataset}/records/table.json",
        sample="results/{dataset}/surrogates/{model}/sample.parquet",
        audit="results/{dataset}/release/shadow_models/{model}/audit.json",
    output:
        decision="results/{dataset}/release/decisions/{model}/decision.json",
        page=shown(
            "results/{dataset}/release/decisions/{model}/note.html",
            "release",
            "Release",
            "{model}",
        ),
        note="results/{dataset}/release/decisions/{model}/note.md",
        published=directory("results/{dataset}/release/decisions/{model}/published"),
    log:
        "results/{dataset}/logs/release_decide_{model}.log",
    benchmark:
        "results/{dataset}/benchmarks/release_decide_{model}.tsv"
    conda:
        "../../envs/evaluation.yaml"
    threads: 1
    resources:
        **needs("release_decide"),
    params:
        environment=environment("evaluation"),
        code=code("redwood.release.decision"),
        levels=LEVELS,
        shadows=lambda wildcards: " ".join(
            f"--shadow {folder}"
            for folder in shadows("release/shadow_models/{model}/model")(wildcards)
        ),
        # The ledger of tries lies beside the folder: no output, for it outlives the decisions.
        folder="results/{dataset}/release/decisions/{model}",
    shell:
        "python -m redwood release decide --table {input.table} --sample {input.sample}"
        " --evaluation {input.folders[0]} --audit {input.audit} --model {wildcards.model}"
        " --surrogate {input.folders[1]} {params.shadows}"
        " {params.levels} --output {params.folder} 2> {log}"
