# Train and validation rows → a surrogate → synthetic rows.
from redwood import plugins

# Name in results → folder of surrogates/models, which differs from the name for a variant.
PLUGINS = {
    model: configuration.surrogates.plugin_of(model) for model in configuration.surrogates.models
}
MODELS = {
    model: plugins.load("redwood.surrogates.models", plugin) for model, plugin in PLUGINS.items()
}


def model_module(wildcards):
    """The code of a model."""
    return f"redwood.surrogates.models.{PLUGINS[wildcards.model]}"


def model_options(wildcards):
    """The model's options as JSON, defaults filled in, so that only what matters makes it stale."""
    return configuration.surrogates.options_of(wildcards.model).model_dump_json()


# The first training of each model writes where everything else of a dataset lies; further trainings
# (`surrogates.seeds`) write to the same places below a folder of their own.
TRAININGS = ["", *(f"trainings/{n}/" for n in range(2, configuration.surrogates.seeds + 1))]


def training_seed(wildcards):
    """The run's seed for the first training, the next one for the next."""
    number = wildcards.get("training", "").strip("/").rpartition("/")[2] or 1
    return (configuration.seed_of("surrogates") + int(number) - 1) % 2**32


rule surrogates_train:
    input:
        table="results/{dataset}/records/table.json",
        train="results/{dataset}/records/train.parquet",
        validation="results/{dataset}/records/validation.parquet",
    output:
        **folder("results/{dataset}/{training}surrogates/{model}/model"),
    log:
        "results/{dataset}/{training}logs/surrogates_train_{model}.log",
    benchmark:
        "results/{dataset}/{training}benchmarks/surrogates_train_{model}.tsv"
    conda:
        "../../envs/surrogates.yaml"
    threads: 1
    resources:
        **needs("surrogates_train"),
    params:
        environment=environment("surrogates"),
        code=lambda wildcards: code("redwood.surrogates.training", model_module(wildcards)),
        seed=training_seed,
        options=model_options,
        plugin=lambda wildcards: PLUGINS[wildcards.model],
    shell:
        "python -m redwood surrogates train {params.plugin} --table {input.table}"
        " --train {input.train} --validation {input.validation} --seed {params.seed}"
        " --options {params.options:q} --output {output.folder} 2> {log}"


rule surrogates_sample:
    input:
        **folders(["results/{dataset}/{training}surrogates/{model}/model"]),
        test="results/{dataset}/records/test.parquet",
    output:
        sample="results/{dataset}/{training}surrogates/{model}/sample.parquet",
        summary="results/{dataset}/{training}surrogates/{model}/sample.json",
    log:
        "results/{dataset}/{training}logs/surrogates_sample_{model}.log",
    benchmark:
        "results/{dataset}/{training}benchmarks/surrogates_sample_{model}.tsv"
    conda:
        "../../envs/surrogates.yaml"
    threads: 1
    resources:
        **needs("surrogates_sample"),
    params:
        environment=environment("surrogates"),
        code=lambda wildcards: code("redwood.surrogates.sampling", model_module(wildcards)),
        seed=training_seed,
        # Not a function of the input: Snakemake does not compare what such a function returns.
        rows=(
            f"--rows {configuration.surrogates.rows}"
            if configuration.surrogates.rows
            else "--like results/{dataset}/records/test.parquet"
        ),
    shell:
        "python -m redwood surrogates sample {input.folders} {params.rows} --seed {params.seed}"
        " --output {output.sample} 2> {log}"


rule surrogates_score:
    input:
        **folders(["results/{dataset}/{training}surrogates/{model}/model"]),
        train="results/{dataset}/records/train.parquet",
        holdout="results/{dataset}/records/test.parquet",
    output:
        "results/{dataset}/{training}surrogates/{model}/densities.parquet",
    log:
        "results/{dataset}/{training}logs/surrogates_score_{model}.log",
    benchmark:
        "results/{dataset}/{training}benchmarks/surrogates_score_{model}.tsv"
    conda:
        "../../envs/surrogates.yaml"
    threads: 1
    resources:
        **needs("surrogates_score"),
    params:
        environment=environment("surrogates"),
        code=lambda wildcards: code("redwood.surrogates.scoring", model_module(wildcards)),
    shell:
        "python -m redwood surrogates score {input.folders} --train {input.train}"
        " --holdout {input.holdout} --output {output} 2> {log}"
