# The grid, and what each policy does on it to recorded and to synthetic jobs.

from redwood.configuration import policies_in
from redwood.simulation.engines import OURS

WORKLOADS = ["recorded", *configuration.surrogates.models, *([Law.name] if REALISATIONS else [])]


def jobs_of(wildcards):
    """The job table of a workload: the recorded test rows, another realisation, a model's sample."""
    if wildcards.workload == "recorded":
        return "results/{dataset}/records/test.parquet"
    if wildcards.workload == Law.name:
        return Law.jobs
    return "results/{dataset}/surrogates/{workload}/sample.parquet"


def jobs_made(wildcards):
    """What says that the job table of a workload is there, and which it is."""
    if wildcards.workload == Law.name:
        return Law.made
    return jobs_of(wildcards)


def role_of(workload):
    """What the jobs of a workload are: recorded, a model's, a control's, or real ones as a floor."""
    if workload == "recorded":
        return workload
    if workload == Law.name:
        return Law.simulated_as
    return "floor" if getattr(MODELS[workload], "FLOOR", False) else MODELS[workload].ROLE


def scenario_of(wildcards):
    """The scenario of a workload and a policy, as JSON; in another engine of one seed."""
    simulation = configuration.simulation
    engine = getattr(wildcards, "engine", OURS)
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
            "policies": simulation.policy(wildcards.policy, engine).model_dump(
                exclude_defaults=True
            ),
            "repetitions": simulation.seeds if engine == OURS else 1,
            **({} if engine == OURS else {"engine": engine}),
            **simulation.settings,
        }
    )


RUNS = expand(
    "results/{{dataset}}/simulation/runs/{workload}/{policy}",
    workload=WORKLOADS,
    policy=configuration.simulation.labels,
)
# Other engines run what was recorded, to be compared with ours: under each policy, if they ask them.
ENGINES = engines_there(workflow, configuration.simulation)
RUNS_ELSEWHERE = [
    f"results/{{dataset}}/simulation/engines/{engine}/recorded/{policy.label}"
    for engine in ENGINES
    for policy in policies_in(engine, configuration.simulation.policies)
]
RUNS_COMPARED = [path for path in RUNS if "/recorded/" in path]


rule simulation_platform:
    input:
        table="results/{dataset}/records/table.json",
        train="results/{dataset}/records/train.parquet",
        validation="results/{dataset}/records/validation.parquet",
        test="results/{dataset}/records/test.parquet",
        facts=expand("resources/{table}.csv", table=["sites", "network", "carbon"]),
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


rule simulate_elsewhere:
    input:
        platform="results/{dataset}/simulation/platform.json",
        table="results/{dataset}/records/table.json",
        jobs=jobs_made,
        policies=lambda wildcards: configuration.simulation.policy(
            wildcards.policy, wildcards.engine
        ).files,
    output:
        **folder("results/{dataset}/simulation/engines/{engine}/{workload}/{policy}"),
    log:
        "results/{dataset}/logs/simulate_elsewhere_{engine}_{workload}_{policy}.log",
    benchmark:
        "results/{dataset}/benchmarks/simulate_elsewhere_{engine}_{workload}_{policy}.tsv"
    conda:
        "../../envs/simulation.yaml"
    threads: 1
    resources:
        **needs("simulate_elsewhere"),
    params:
        environment=environment("simulation"),
        code=lambda wildcards: code(
            "redwood.simulation.running",
            f"redwood.simulation.engines.{wildcards.engine}",
            *configuration.simulation.policy(wildcards.policy, wildcards.engine).modules,
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


# Every other engine beside ours, run by run.
rule simulation_engines:
    input:
        **folders([*RUNS_ELSEWHERE, *RUNS_COMPARED]),
    output:
        table="results/{dataset}/simulation/engines/comparison.csv",
        summary="results/{dataset}/simulation/engines/comparison.json",
        page="results/{dataset}/simulation/engines/comparison.md",
    log:
        "results/{dataset}/logs/simulation_engines.log",
    benchmark:
        "results/{dataset}/benchmarks/simulation_engines.tsv"
    conda:
        "../../envs/simulation.yaml"
    threads: 1
    resources:
        **needs("simulation_engines"),
    params:
        environment=environment("simulation"),
        code=code("redwood.simulation.engine_comparison"),
    shell:
        "python -m redwood simulation engines compare {input.folders} --output {output.table}"
        " > {output.page} 2> {log}"


# The runs to be played on a map, in one file that needs no server.
rule simulation_page:
    input:
        **folders(RUNS),
        platform="results/{dataset}/simulation/platform.json",
        facts=["resources/land.csv", "resources/places.csv"],
    output:
        "results/{dataset}/simulation/page.html",
    log:
        "results/{dataset}/logs/simulation_page.log",
    benchmark:
        "results/{dataset}/benchmarks/simulation_page.tsv"
    conda:
        "../../envs/paper.yaml"
    threads: 1
    resources:
        **needs("simulation_page"),
    params:
        environment=environment("paper"),
        code=code("redwood.explore.exporting"),
        folder="results/{dataset}",
    shell:
        "python -m redwood explore {params.folder} --export {output} 2> {log}"
