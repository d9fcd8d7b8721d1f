# Measures and outcomes → the tables and figures of the report.


def table(name, label):
    """The files of a table, the page marked for the report."""
    path = f"results/{{dataset}}/tables/{name}"
    page = shown(f"{path}.html", name, "Tables", label)
    return [page, *(f"{path}.{suffix}" for suffix in ("csv", "parquet", "md", "tex", "json"))]


def figure(name, label):
    """The files of a figure, the picture marked for the report."""
    path = f"results/{{dataset}}/figures/{name}"
    picture = shown(f"{path}.png", name, "Figures", label)
    return [picture, f"{path}.pdf", f"{path}.json"]


MODEL_FOLDERS = expand(
    "results/{{dataset}}/surrogates/{model}/model", model=configuration.surrogates.models
)
# Models that train by epochs, on a GPU where there is one, and so have a loss to show.
TRAINED = [folder for folder, plugin in zip(MODEL_FOLDERS, MODELS.values()) if plugin.USES_GPU]
EVALUATIONS = expand(
    "results/{{dataset}}/evaluation/{model}", model=configuration.surrogates.models
)
ATTACKED = any(name.startswith("attack_") for name in configuration.evaluation.measures)
SAMPLES = expand(
    "results/{{dataset}}/surrogates/{model}/sample.parquet",
    model=configuration.surrogates.models,
)


def samples(wildcards, input):
    """The samples as the command line takes them, each named by its model."""
    pairs = zip(configuration.surrogates.models, input.samples, strict=True)
    return " ".join(f"--synthetic {model}={path}" for model, path in pairs)


rule table1:
    input:
        **folders(EVALUATIONS),
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
        prefix="results/{dataset}/tables/table1",
        decisions=lambda wildcards, input: " ".join(
            f"--decision {decision}" for decision in input.decisions
        ),
    shell:
        "python -m redwood paper table1 {input.folders} --paper {input.paper}"
        " --outcomes {input.outcomes} {params.decisions} --output {params.prefix} 2> {log}"


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


rule figure_distributions:
    input:
        table="results/{dataset}/records/table.json",
        recorded="results/{dataset}/records/test.parquet",
        samples=SAMPLES,
    output:
        figure("distributions", "Distributions of the features"),
    log:
        "results/{dataset}/logs/figure_distributions.log",
    benchmark:
        "results/{dataset}/benchmarks/figure_distributions.tsv"
    group:
        "figures"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        **needs("figure_distributions"),
    params:
        environment=environment("paper"),
        code=code("redwood.paper.distributions"),
        samples=samples,
        dpi=configuration.paper.dpi,
        prefix="results/{dataset}/figures/distributions",
    shell:
        "python -m redwood paper figure distributions --table {input.table}"
        " --recorded {input.recorded} {params.samples}"
        " --dpi {params.dpi} --output {params.prefix} 2> {log}"


rule figure_arrivals:
    input:
        table="results/{dataset}/records/table.json",
        recorded="results/{dataset}/records/test.parquet",
        samples=SAMPLES,
    output:
        figure("arrivals", "Arrivals of jobs"),
    log:
        "results/{dataset}/logs/figure_arrivals.log",
    benchmark:
        "results/{dataset}/benchmarks/figure_arrivals.tsv"
    group:
        "figures"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        **needs("figure_arrivals"),
    params:
        environment=environment("paper"),
        code=code("redwood.paper.arrivals"),
        samples=samples,
        dpi=configuration.paper.dpi,
        prefix="results/{dataset}/figures/arrivals",
    shell:
        "python -m redwood paper figure arrivals --table {input.table}"
        " --recorded {input.recorded} {params.samples}"
        " --dpi {params.dpi} --output {params.prefix} 2> {log}"


rule figure_correlations:
    input:
        **folders(EVALUATIONS),
    output:
        figure("correlations", "Associations of the features"),
    log:
        "results/{dataset}/logs/figure_correlations.log",
    benchmark:
        "results/{dataset}/benchmarks/figure_correlations.tsv"
    group:
        "figures"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        **needs("figure_correlations"),
    params:
        environment=environment("paper"),
        code=code("redwood.paper.correlations"),
        dpi=configuration.paper.dpi,
        prefix="results/{dataset}/figures/correlations",
    shell:
        "python -m redwood paper figure correlations {input.folders}"
        " --dpi {params.dpi} --output {params.prefix} 2> {log}"


rule figure_dcr:
    input:
        **folders(EVALUATIONS),
    output:
        figure("dcr", "Distance to the closest training row"),
    log:
        "results/{dataset}/logs/figure_dcr.log",
    benchmark:
        "results/{dataset}/benchmarks/figure_dcr.tsv"
    group:
        "figures"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        **needs("figure_dcr"),
    params:
        environment=environment("paper"),
        code=code("redwood.paper.dcr"),
        dpi=configuration.paper.dpi,
        prefix="results/{dataset}/figures/dcr",
    shell:
        "python -m redwood paper figure dcr {input.folders}"
        " --dpi {params.dpi} --output {params.prefix} 2> {log}"


if ATTACKED:

    rule figure_attacks:
        input:
            **folders(EVALUATIONS),
        output:
            figure("attacks", "Membership attacks"),
        log:
            "results/{dataset}/logs/figure_attacks.log",
        benchmark:
            "results/{dataset}/benchmarks/figure_attacks.tsv"
        group:
            "figures"
        conda:
            "../../envs/paper.yaml"
        threads: 1
        resources:
            **needs("figure_attacks"),
        params:
            environment=environment("paper"),
            code=code("redwood.paper.attacks"),
            dpi=configuration.paper.dpi,
            prefix="results/{dataset}/figures/attacks",
        shell:
            "python -m redwood paper figure attacks {input.folders}"
            " --dpi {params.dpi} --output {params.prefix} 2> {log}"


rule figure_grid:
    input:
        **folders(RUNS),
    output:
        figure("grid", "The simulated grid along time"),
    log:
        "results/{dataset}/logs/figure_grid.log",
    benchmark:
        "results/{dataset}/benchmarks/figure_grid.tsv"
    group:
        "figures"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        **needs("figure_grid"),
    params:
        environment=environment("paper"),
        code=code("redwood.paper.grid"),
        dpi=configuration.paper.dpi,
        prefix="results/{dataset}/figures/grid",
    shell:
        "python -m redwood paper figure grid {input.folders}"
        " --dpi {params.dpi} --output {params.prefix} 2> {log}"


rule figure_site_load:
    input:
        **folders(RUNS),
    output:
        figure("site_load", "Load of the simulated sites"),
    log:
        "results/{dataset}/logs/figure_site_load.log",
    benchmark:
        "results/{dataset}/benchmarks/figure_site_load.tsv"
    group:
        "figures"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        **needs("figure_site_load"),
    params:
        environment=environment("paper"),
        code=code("redwood.paper.site_load"),
        dpi=configuration.paper.dpi,
        prefix="results/{dataset}/figures/site_load",
    shell:
        "python -m redwood paper figure site-load {input.folders}"
        " --dpi {params.dpi} --output {params.prefix} 2> {log}"


rule figure_transfer_map:
    input:
        **folders(RUNS),
        sites="resources/sites.csv",
    output:
        figure("transfer_map", "Transfers between clouds"),
    log:
        "results/{dataset}/logs/figure_transfer_map.log",
    benchmark:
        "results/{dataset}/benchmarks/figure_transfer_map.tsv"
    group:
        "figures"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        **needs("figure_transfer_map"),
    params:
        environment=environment("paper"),
        code=code("redwood.paper.transfer_map"),
        dpi=configuration.paper.dpi,
        prefix="results/{dataset}/figures/transfer_map",
    shell:
        "python -m redwood paper figure transfer-map {input.folders} --resources resources"
        " --dpi {params.dpi} --output {params.prefix} 2> {log}"


if TRAINED:

    rule figure_training:
        input:
            **folders(TRAINED),
        output:
            figure("training", "Training"),
        log:
            "results/{dataset}/logs/figure_training.log",
        benchmark:
            "results/{dataset}/benchmarks/figure_training.tsv"
        group:
            "figures"
        conda:
            "../../envs/paper.yaml"
        threads: 1
        resources:
            **needs("figure_training"),
        params:
            environment=environment("paper"),
            code=code("redwood.paper.training"),
            dpi=configuration.paper.dpi,
            prefix="results/{dataset}/figures/training",
        shell:
            "python -m redwood paper figure training {input.folders}"
            " --dpi {params.dpi} --output {params.prefix} 2> {log}"
