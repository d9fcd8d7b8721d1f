# Measures and outcomes → the tables and figures of the report.


def table(name, label):
    """The files of a table, the page marked for the report."""
    path = f"results/{{dataset}}/tables/{name}"
    page = shown(f"{path}.html", name, "Tables", label)
    return [page, *(f"{path}.{suffix}" for suffix in ("csv", "parquet", "md", "tex", "json"))]


MODELS_OF_ALL = {"training": TRAININGS, "model": configuration.surrogates.models}
MODEL_FOLDERS = expand("results/{{dataset}}/{training}surrogates/{model}/model", **MODELS_OF_ALL)
EVALUATIONS = expand("results/{{dataset}}/{training}evaluation/{model}", **MODELS_OF_ALL)
SAMPLES = expand("results/{{dataset}}/{training}surrogates/{model}/sample.parquet", **MODELS_OF_ALL)
DENSITIES = expand(
    "results/{{dataset}}/{training}surrogates/{model}/densities.parquet",
    training=TRAININGS,
    model=SCORED,
)


rule table1:
    input:
        **folders([*EVALUATIONS, *EXACT_LAW, *OTHER_FLOORS]),
        paper="resources/paper_table1.csv",
        outcomes="results/{dataset}/simulation/outcomes.csv",
        decisions=DECISIONS,
    output:
        table("table1", "I: surrogates by measure"),
    log:
        "results/{dataset}/logs/table1.log",
    benchmark:
        "results/{dataset}/benchmarks/table1.tsv"
    group:
        "figures"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        **needs("table1"),
    params:
        environment=environment("paper"),
        code=code("redwood.paper.table1"),
        # Values, for Snakemake compares which inputs there are, but not their order.
        evaluations=" ".join([*EVALUATIONS, *EXACT_LAW]),
        other=f"--other-floors {OTHER_FLOORS[0]}" if OTHER_FLOORS else "",
        prefix="results/{dataset}/tables/table1",
        decisions=lambda wildcards, input: " ".join(
            f"--decision {decision}" for decision in input.decisions
        ),
    shell:
        "python -m redwood paper table1 {params.evaluations} --paper {input.paper}"
        " --outcomes {input.outcomes} {params.decisions} {params.other}"
        " --output {params.prefix} 2> {log}"


rule table2:
    input:
        "results/{dataset}/simulation/outcomes.csv",
    output:
        table("table2", "II: policies on recorded and synthetic jobs"),
        "results/{dataset}/tables/table2_ranking.csv",
    log:
        "results/{dataset}/logs/table2.log",
    benchmark:
        "results/{dataset}/benchmarks/table2.tsv"
    group:
        "figures"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        **needs("table2"),
    params:
        environment=environment("paper"),
        code=code("redwood.paper.table2"),
        prefix="results/{dataset}/tables/table2",
    shell:
        "python -m redwood paper table2 {input} --output {params.prefix} 2> {log}"


def of_samples():
    """What the figures of tables read, the samples of the first trainings, and their arguments."""
    inputs = {
        "table": "results/{dataset}/records/table.json",
        "recorded": "results/{dataset}/records/test.parquet",
        "samples": SAMPLES[: len(MODELS)],
    }
    arguments = [f"--{name} {inputs[name]}" for name in ("table", "recorded")]
    arguments += [f"--synthetic {model}={path}" for model, path in zip(MODELS, inputs["samples"])]
    arguments += [f"--control {name}" for name in MODELS if MODELS[name].ROLE == "control"]
    return inputs, " ".join(arguments)


def of_folders(paths, *arguments, **more):
    """The same of figures of what other stages wrote into folders."""
    return {**folders(paths), **more}, " ".join([*paths, *arguments])


# Figures show each model's first training.
EVALUATED = EVALUATIONS[: len(MODELS)]
# Models that train by epochs, on a GPU where there is one, and so have a loss to show.
TRAINED = [
    folder
    for folder, (model, plugin) in zip(MODEL_FOLDERS, MODELS.items())
    if plugin.USES_GPU and configuration.surrogates.options_of(model).has_losses
]
ATTACKED = configuration.evaluation.says("ATTACKER")
# Name → label in the report, inputs and arguments.
FIGURES = {
    "pipeline": (
        "From raw records to the job table",
        {
            "cleaning": "results/{dataset}/records/cleaning.json",
            "split": "results/{dataset}/records/split.json",
        },
        "--cleaning results/{dataset}/records/cleaning.json"
        " --split results/{dataset}/records/split.json",
    ),
    "distributions": ("Distributions of the features", *of_samples()),
    "arrivals": ("Arrivals of jobs", *of_samples()),
    "correlations": ("Associations of the features", *of_folders(EVALUATED)),
    "dcr": ("Distance to the closest training row", *of_folders(EVALUATED)),
    "attacks": ("Membership attacks", *of_folders(EVALUATED)),
    "found_shares": (
        "Planted units found, by size",
        {"decisions": DECISIONS},
        " ".join(DECISION_FOLDERS),
    ),
    "grid": ("The simulated grid along time", *of_folders(RUNS)),
    "site_load": ("Load of the simulated sites", *of_folders(RUNS)),
    "transfer_map": (
        "Transfers between clouds",
        *of_folders(RUNS, "--resources resources", sites="resources/sites.csv"),
    ),
    "training": ("Training", *of_folders(TRAINED)),
    "ranks": (
        "Ranks of the policies",
        {
            "outcomes": "results/{dataset}/simulation/outcomes.csv",
            "described": "results/{dataset}/simulation/outcomes.json",
        },
        "results/{dataset}/simulation/outcomes.csv",
    ),
    "tradeoff": (
        "Privacy against fidelity",
        {"table": "results/{dataset}/tables/table1.json", "decisions": DECISIONS},
        " ".join(
            [
                "results/{dataset}/tables/table1.json",
                *(f"--decision {decision}" for decision in DECISIONS),
            ]
        ),
    ),
}
if not ATTACKED:
    del FIGURES["attacks"]
if not DECISIONS:
    del FIGURES["found_shares"]
if not TRAINED:
    del FIGURES["training"]

# One rule a figure, all alike: a wildcard for the figure could not choose the report's caption.
for figure, (label, inputs, arguments) in FIGURES.items():

    rule:
        name:
            f"figure_{figure}"
        input:
            **inputs,
        output:
            shown(f"results/{{dataset}}/figures/{figure}.png", figure, "Figures", label),
            f"results/{{dataset}}/figures/{figure}.pdf",
            f"results/{{dataset}}/figures/{figure}.json",
        log:
            f"results/{{dataset}}/logs/figure_{figure}.log",
        benchmark:
            f"results/{{dataset}}/benchmarks/figure_{figure}.tsv"
        group:
            "figures"
        conda:
            "../../envs/paper.yaml"
        threads: 1
        resources:
            **needs(f"figure_{figure}"),
        params:
            environment=environment("paper"),
            code=code(f"redwood.paper.{figure}"),
            figure=figure.replace("_", "-"),
            # A value, not a part of the line below: that is put together when the job runs.
            arguments=arguments,
            dpi=configuration.paper.dpi,
            prefix=f"results/{{dataset}}/figures/{figure}",
        shell:
            "python -m redwood paper figure {params.figure} {params.arguments}"
            " --dpi {params.dpi} --output {params.prefix} 2> {log}"
