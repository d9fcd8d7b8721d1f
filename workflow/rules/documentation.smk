# docs/ and what the library says of itself → the documentation as a site.
from redwood.documentation.sources import text_digest


# Of no dataset, and no part of a run: `./run documentation` makes it.
rule documentation:
    input:
        pages=sorted(glob("docs/*")),
        more=["CONTRIBUTING.md", "resources/README.md"],
    output:
        **folder("results/docs"),
    log:
        f"results/{configuration.dataset}/logs/documentation.log",
    benchmark:
        f"results/{configuration.dataset}/benchmarks/documentation.tsv"
    localrule: True
    conda:
        "../../envs/docs.yaml"
    threads: 1
    resources:
        **needs("documentation"),
    params:
        environment=environment("docs"),
        code=code("redwood.documentation.building"),
        # Docstrings, parsers and schemas; read only if the site is asked for.
        library=lambda wildcards: text_digest(),
    shell:
        "python -m redwood documentation docs --output {output.folder} 2> {log}"
