# A sample that is to be published, a shadow model trained with canaries → published, or why not.
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
SHADOWS = expand(
    "results/{{dataset}}/release/shadow_models/{model}", model=configuration.released_models
)


rule release_plant:
    input:
        table="results/{dataset}/records/table.json",
        train="results/{dataset}/records/train.parquet",
    output:
        train="results/{dataset}/release/planted/train.parquet",
        canaries="results/{dataset}/release/planted/canaries.parquet",
        summary="results/{dataset}/release/planted/planting.json",
    log:
        "results/{dataset}/logs/release_plant.log",
    benchmark:
        "results/{dataset}/benchmarks/release_plant.tsv"
    conda:
        "../../envs/evaluation.yaml"
    threads: 1
    resources:
        **needs("release_plant"),
    params:
        environment=environment("evaluation"),
        code=code("redwood.release.canaries"),
        seed=configuration.seed_of("release"),
        levels=LEVELS,
        # With their names, as Snakemake compares the values of all parameters as one set.
        planted=" ".join(
            [
                f"--units {configuration.release.units}",
                *(f"--size {size}" for size in configuration.release.sizes),
            ]
        ),
        folder="results/{dataset}/release/planted",
    shell:
        "python -m redwood release plant --table {input.table} --train {input.train}"
        " {params.levels} {params.planted}"
        " --seed {params.seed} --output {params.folder} 2> {log}"


use rule surrogates_train as release_train with:
    input:
        table="results/{dataset}/records/table.json",
        train="results/{dataset}/release/planted/train.parquet",
        validation="results/{dataset}/records/validation.parquet",
    output:
        **folder("results/{dataset}/release/shadow_models/{model}/model"),
    log:
        "results/{dataset}/logs/release_train_{model}.log",
    benchmark:
        "results/{dataset}/benchmarks/release_train_{model}.tsv"
    resources:
        **needs("release_train"),


use rule surrogates_sample as release_sample with:
    input:
        **folders(["results/{dataset}/release/shadow_models/{model}/model"]),
        test="results/{dataset}/records/test.parquet",
    output:
        sample="results/{dataset}/release/shadow_models/{model}/sample.parquet",
        summary="results/{dataset}/release/shadow_models/{model}/sample.json",
    log:
        "results/{dataset}/logs/release_sample_{model}.log",
    benchmark:
        "results/{dataset}/benchmarks/release_sample_{model}.tsv"
    resources:
        **needs("release_sample"),


rule release_audit:
    input:
        table="results/{dataset}/records/table.json",
        train="results/{dataset}/records/train.parquet",
        canaries="results/{dataset}/release/planted/canaries.parquet",
        planting="results/{dataset}/release/planted/planting.json",
        sample="results/{dataset}/release/shadow_models/{model}/sample.parquet",
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
        judged=(
            f"--up-to-rows {configuration.release.up_to_rows}"
            if configuration.release.up_to_rows
            else ""
        ),
    shell:
        "python -m redwood release audit --table {input.table} --train {input.train}"
        " --canaries {input.canaries} --synthetic {input.sample} --seed {params.seed}"
        " {params.judged} --output {output} 2> {log}"


rule release_decide:
    input:
        **folders(
            [
                "results/{dataset}/evaluation/{model}",
                "results/{dataset}/surrogates/{model}/model",
                "results/{dataset}/release/shadow_models/{model}/model",
            ]
        ),
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
        # The ledger of tries lies beside the folder: no output, for it outlives the decisions.
        folder="results/{dataset}/release/decisions/{model}",
    shell:
        "python -m redwood release decide --table {input.table} --sample {input.sample}"
        " --evaluation {input.folders[0]} --audit {input.audit} --model {wildcards.model}"
        " --surrogate {input.folders[1]} --shadow {input.folders[2]}"
        " {params.levels} --output {params.folder} 2> {log}"
