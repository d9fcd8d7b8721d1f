# The grid, and what each policy does on it to recorded and to synthetic jobs.

# The control of Table I that is another realisation of generated records.
LAW = "exact_law"
WORKLOADS = ["recorded", *configuration.surrogates.models, *([LAW] if REALISATIONS else [])]


def jobs_of(wildcards):
    """The job table of a workload: the recorded test rows, another realisation, a model's sample."""
    if wildcards.workload == "recorded":
        return "results/{dataset}/records/test.parquet"
    if wildcards.workload == LAW:
        return f"{REALISATIONS[0]}/1.parquet"
    return "results/{dataset}/surrogates/{workload}/sample.parquet"


def jobs_made(wildcards):
    """What says that the job table of a workload is there, and which it is."""
    if wildcards.workload == LAW:
        return f"{REALISATIONS[0]}/_contents.sha256"
    return jobs_of(wildcards)


def role_of(workload):
    """What the jobs of a workload are: recorded, a model's, a control's, or real ones as a floor."""
    if workload == "recorded":
        return workload
    if workload == LAW:
        return "control"
    return "floor" if getattr(MODELS[workload], "FLOOR", False) else MODELS[workload].ROLE


def scenario_of(wildcards):
    """The scenario of a workload and a policy, as JSON."""
    simulation = configuration.simulation
    results = f"results/{wildcards.dataset}"
    return json.dumps(
        {
            "environment": f"{results}/simulation/platform.json",
            "workload": {
                "name": wildcards.workload,
                "role": role_of(wildcards.workload),
                "jobs": jobs_of(wildcards).format(**wildcards),
                "table": f"{results}/records/table.json",
            },
            "policies": simulation.policy(wildcards.policy).model_dump(exclude_defaults=True),
            "repetitions": simulation.seeds,
            **simulation.settings,
        }
    )


RUNS = expand(
    "results/{{dataset}}/simulation/runs/{workload}/{policy}",
    workload=WORKLOADS,
    policy=configuration.simulation.labels,
)


rule simulation_platform:
    input:
        table="results/{dataset}/records/table.json",
        train="results/{dataset}/records/train.parquet",
        validation="results/{dataset}/records/validation.parquet",
        test="results/{dataset}/records/test.parquet",
        facts=["resources/sites.csv", "resources/network.csv"],
    output:
        platform="results/{dataset}/simulation/platform.json",
        calibration="results/{dataset}/simulation/calibration.csv",
    log:
        "results/{dataset}/logs/simulation_platform.log",
    benchmark:
        "results/{dataset}/benchmarks/simulation_platform.tsv"
    conda:
        "../../envs/simulation.yaml"
    threads: 1
    resources:
        **needs("simulation_platform"),
    params:
        environment=environment("simulation"),
        code=code("redwood.simulation.platform"),
        options=configuration.simulation.model_dump_json(include={"load_factor", "utilisation"}),
    shell:
        "python -m redwood simulation platform --table {input.table} --jobs {input.train}"
        " --validation {input.validation} --rows-like {input.test} --resources resources"
        " --options {params.options:q} --output {output.platform}"
        " --calibration {output.calibration} 2> {log}"


rule simulate:
    input:
        platform="results/{dataset}/simulation/platform.json",
        table="results/{dataset}/records/table.json",
        jobs=jobs_made,
        policies=lambda wildcards: configuration.simulation.policy(wildcards.policy).files,
    output:
        **folder("results/{dataset}/simulation/runs/{workload}/{policy}"),
    log:
        "results/{dataset}/logs/simulate_{workload}_{policy}.log",
    benchmark:
        "results/{dataset}/benchmarks/simulate_{workload}_{policy}.tsv"
    group:
        "simulations"
    conda:
        "../../envs/simulation.yaml"
    threads: 1
    resources:
        **needs("simulate"),
    params:
        environment=environment("simulation"),
        code=lambda wildcards: code(
            "redwood.simulation.running",
            *configuration.simulation.policy(wildcards.policy).modules,
        ),
        scenario=scenario_of,
    shell:
        "python -m redwood simulate {params.scenario:q} --output {output.folder} 2> {log}"


rule simulation_outcomes:
    input:
        **folders(RUNS),
    output:
        outcomes="results/{dataset}/simulation/outcomes.csv",
        summary="results/{dataset}/simulation/outcomes.json",
    log:
        "results/{dataset}/logs/simulation_outcomes.log",
    benchmark:
        "results/{dataset}/benchmarks/simulation_outcomes.tsv"
    conda:
        "../../envs/simulation.yaml"
    threads: 1
    resources:
        **needs("simulation_outcomes"),
    params:
        environment=environment("simulation"),
        code=code("redwood.simulation.outcomes"),
    shell:
        "python -m redwood simulation outcomes {input.folders} --output {output.outcomes} 2> {log}"
