# The grid, and what each policy does on it to recorded and to synthetic jobs.


def jobs_of(wildcards):
    """The job table of a workload: the recorded test rows, or a model's sample."""
    if wildcards.workload == "recorded":
        return "results/{dataset}/records/test.parquet"
    return "results/{dataset}/surrogates/{workload}/sample.parquet"


rule simulation_platform:
    input:
        table="results/{dataset}/records/table.json",
        train="results/{dataset}/records/train.parquet",
        test="results/{dataset}/records/test.parquet",
        facts=["resources/sites.csv", "resources/network.csv"],
    output:
        "results/{dataset}/simulation/platform.json",
    log:
        "results/{dataset}/logs/simulation_platform.log",
    benchmark:
        "results/{dataset}/benchmarks/simulation_platform.tsv"
    conda:
        "../../envs/simulation.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        code=code("redwood.simulation.platform"),
        options=configuration.simulation.model_dump_json(include={"load_factor", "utilisation"}),
    shell:
        "python -m redwood simulation platform --table {input.table} --jobs {input.train}"
        " --rows-like {input.test} --resources resources"
        " --options {params.options:q} --output {output} 2> {log}"


rule simulate:
    input:
        platform="results/{dataset}/simulation/platform.json",
        table="results/{dataset}/records/table.json",
        jobs=jobs_of,
    output:
        directory("results/{dataset}/simulation/runs/{workload}/{policy}/{repetition}"),
    log:
        "results/{dataset}/logs/simulate_{workload}_{policy}_{repetition}.log",
    benchmark:
        "results/{dataset}/benchmarks/simulate_{workload}_{policy}_{repetition}.tsv"
    group:
        "simulations"
    conda:
        "../../envs/simulation.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, input: max(1500, 50 * input.size_mb),
        runtime=120,
    params:
        code=lambda wildcards: code(
            "redwood.simulation.running", f"redwood.simulation.policies.{wildcards.policy}"
        ),
        options=configuration.simulation.model_dump_json(exclude={"policies", "seeds"}),
    shell:
        "python -m redwood simulate --platform {input.platform} --table {input.table}"
        " --jobs {input.jobs} --workload {wildcards.workload} --policy {wildcards.policy}"
        " --seed {wildcards.repetition} --options {params.options:q} --output {output} 2> {log}"


rule simulation_outcomes:
    input:
        expand(
            "results/{{dataset}}/simulation/runs/{workload}/{policy}/{repetition}",
            workload=["recorded", *configuration.surrogates.models],
            policy=configuration.simulation.policies,
            repetition=range(1, configuration.simulation.seeds + 1),
        ),
    output:
        "results/{dataset}/simulation/outcomes.csv",
    log:
        "results/{dataset}/logs/simulation_outcomes.log",
    benchmark:
        "results/{dataset}/benchmarks/simulation_outcomes.tsv"
    conda:
        "../../envs/simulation.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        code=code("redwood.simulation.outcomes"),
    shell:
        "python -m redwood simulation outcomes {input} --output {output} 2> {log}"
