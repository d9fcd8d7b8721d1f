# Measures and outcomes → the tables and figures of the report.
from textwrap import dedent

FIGURE = "results/{dataset}/figures/{name}"
FIGURES = [
    f"results/{{dataset}}/figures/{name}.{suffix}"
    for name in ("distributions", "arrivals", "correlations", "dcr", "grid")
    for suffix in ("png", "pdf")
]
EVALUATIONS = expand(
    "results/{{dataset}}/evaluation/{model}", model=configuration.surrogates.models
)
SAMPLES = expand(
    "results/{{dataset}}/surrogates/{model}/sample.parquet",
    model=configuration.surrogates.models,
)


def figure(name):
    """The two files of a figure, the picture marked for the report."""
    path = f"results/{{dataset}}/figures/{name}"
    caption = f"../report/{name}.rst"
    return [report(f"{path}.png", caption=caption, category="Figures"), f"{path}.pdf"]


def table(name):
    """The files of a table, the page marked for the report."""
    path = f"results/{{dataset}}/tables/{name}"
    caption = f"../report/{name}.rst"
    return [
        report(f"{path}.html", caption=caption, category="Tables"),
        *(f"{path}.{suffix}" for suffix in ("csv", "parquet", "md", "tex")),
    ]


rule table1:
    input:
        evaluations=EVALUATIONS,
        paper="resources/paper_table1.csv",
    output:
        table("table1"),
    params:
        code=code("redwood.paper.table1"),
        prefix="results/{dataset}/tables/table1",
    log:
        "results/{dataset}/logs/table1.log",
    benchmark:
        "results/{dataset}/benchmarks/table1.tsv"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=15,
    shell:
        "python -m redwood paper table1 {input.evaluations} --paper {input.paper}"
        " --output {params.prefix} 2> {log}"


rule table2:
    input:
        "results/{dataset}/simulation/outcomes.csv",
    output:
        table("table2"),
    params:
        code=code("redwood.paper.table2"),
        prefix="results/{dataset}/tables/table2",
    log:
        "results/{dataset}/logs/table2.log",
    benchmark:
        "results/{dataset}/benchmarks/table2.tsv"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=15,
    shell:
        "python -m redwood paper table2 {input} --output {params.prefix} 2> {log}"


rule figure_distributions:
    input:
        table="results/{dataset}/records/table.json",
        recorded="results/{dataset}/records/test.parquet",
        samples=SAMPLES,
    output:
        figure("distributions"),
    params:
        code=code("redwood.paper.distributions"),
        samples=SAMPLE_ARGUMENTS,
        dpi=configuration.paper.dpi,
        prefix="results/{dataset}/figures/distributions",
    log:
        "results/{dataset}/logs/figure_distributions.log",
    benchmark:
        "results/{dataset}/benchmarks/figure_distributions.tsv"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=15,
    shell:
        "python -m redwood paper figure distributions --table {input.table}"
        " --recorded {input.recorded} {params.samples} --dpi {params.dpi}"
        " --output {params.prefix} 2> {log}"
