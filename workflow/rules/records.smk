# Raw dumps → the job table → its train, validation and test rows.
from redwood.records.privacy import ENVIRONMENT_VARIABLE, hash_key
from redwood.records.raw_dumps import raw_dumps, retrieved_name

SOURCE = configuration.records.source
RAW = f"results/{configuration.dataset}/records/raw"
BIGPANDA_NOTE = f"{RAW}/bigpanda/_download.json"

try:
    DUMPS = raw_dumps(SOURCE, RAW)
except InputError as error:
    raise WorkflowError(str(error))
# All names stand in one shell line, which Linux ends at 128 kB.
if sum(len(name) + 3 for name in DUMPS) > 100_000:
    raise WorkflowError(
        f"records.source.files: {len(DUMPS)} dumps are too many for one run; "
        "put them into fewer, larger files"
    )

CLEANED = expand("results/{{dataset}}/records/cleaned/{dump}", dump=DUMPS)

# The key of the hashes: made-up users and pseudonyms need none; without one in the environment, one
# is drawn for this run and removed when all dumps are gathered. A run that ends before, be it by an
# error, leaves it, for its owner alone, so that the next one goes on with the dumps that are left.
HASH_KEY = "results/{dataset}/records/.hash_key"
NAMELESS = SOURCE.generate is not None or configuration.records.cleaning.pseudonymous
KEY_IN_FILE = not NAMELESS and ENVIRONMENT_VARIABLE not in os.environ


if SOURCE.bigpanda is not None:

    rule records_download:
        output:
            # The note alone: snakemake removes a failed job's outputs, and what a monitor has
            # answered is not to be asked for again.
            BIGPANDA_NOTE,
        log:
            f"results/{configuration.dataset}/logs/records_download.log",
        benchmark:
            f"results/{configuration.dataset}/benchmarks/records_download.tsv"
        localrule: True
        conda:
            "../../envs/records.yaml"
        threads: 1
        resources:
            **needs("records_download"),
        params:
            environment=environment("records"),
            code=code("redwood.records.bigpanda"),
            options=SOURCE.bigpanda.model_dump_json(),
            folder=f"{RAW}/bigpanda",
        shell:
            "python -m redwood records download --options {params.options:q}"
            " --output {params.folder} 2> {log}"


if SOURCE.retrieve is not None:

    rule records_retrieve:
        output:
            f"{RAW}/{retrieved_name(SOURCE.retrieve.url)}",
        log:
            f"results/{configuration.dataset}/logs/records_retrieve.log",
        benchmark:
            f"results/{configuration.dataset}/benchmarks/records_retrieve.tsv"
        localrule: True
        conda:
            "../../envs/records.yaml"
        threads: 1
        resources:
            **needs("records_retrieve"),
        params:
            environment=environment("records"),
            code=code("redwood.records.retrieval"),
            url=SOURCE.retrieve.url,
            sha256=f"--sha256 {SOURCE.retrieve.sha256}" if SOURCE.retrieve.sha256 else "",
        shell:
            "python -m redwood records retrieve --url {params.url:q} {params.sha256}"
            " --output {output} 2> {log}"


if KEY_IN_FILE:

    rule records_hash_key:
        output:
            temp(HASH_KEY),
        log:
            "results/{dataset}/logs/records_hash_key.log",
        benchmark:
            "results/{dataset}/benchmarks/records_hash_key.tsv"
        localrule: True
        conda:
            "../../envs/records.yaml"
        threads: 1
        resources:
            **needs("records_hash_key"),
        params:
            environment=environment("records"),
            code=code("redwood.records.privacy"),
        shell:
            "python -m redwood records hash-key --output {output} 2> {log}"


rule records_clean_file:
    input:
        dump=lambda wildcards: BIGPANDA_NOTE if SOURCE.bigpanda else DUMPS[wildcards.dump],
        sites="resources/sites.csv",
        key=[HASH_KEY] if KEY_IN_FILE else [],
    output:
        **folder("results/{dataset}/records/cleaned/{dump}"),
    log:
        "results/{dataset}/logs/records_clean_file/{dump}.log",
    benchmark:
        "results/{dataset}/benchmarks/records_clean_file/{dump}.tsv"
    group:
        "dumps"
    conda:
        "../../envs/records.yaml"
    threads: 1
    resources:
        **needs("records_clean_file"),
    params:
        environment=environment("records"),
        code=code("redwood.records.cleaned_file", "redwood.readers.systems"),
        dump=lambda wildcards: DUMPS[wildcards.dump],
        seed=configuration.seed_of("records"),
        options=configuration.records.cleaning.model_dump_json(),
        key=f"--key {HASH_KEY}" if KEY_IN_FILE else "",
        keyed_by=(
            ""
            if KEY_IN_FILE
            else hash_key(configuration.seed_of("records"), nameless=NAMELESS).fingerprint
        ),
    shell:
        "python -m redwood records clean-file {params.dump:q} --name {wildcards.dump:q} --sites {input.sites}"
        " --seed {params.seed} --options {params.options:q} {params.key} --output {output.folder:q} 2> {log:q}"


rule records_gather:
    input:
        **folders(CLEANED),
        key=[HASH_KEY] if KEY_IN_FILE else [],
    output:
        **folder("results/{dataset}/records/jobs"),
        table="results/{dataset}/records/table.json",
        rejected="results/{dataset}/records/rejected.parquet",
        summary="results/{dataset}/records/cleaning.json",
    log:
        "results/{dataset}/logs/records_gather.log",
    benchmark:
        "results/{dataset}/benchmarks/records_gather.tsv"
    conda:
        "../../envs/records.yaml"
    threads: 1
    resources:
        **needs("records_gather"),
    params:
        environment=environment("records"),
        code=code("redwood.records.gathering", "redwood.readers.systems"),
        options=configuration.records.cleaning.model_dump_json(),
        names=list(DUMPS),
        cleaned="results/{dataset}/records/cleaned",
        key=f"--key {HASH_KEY}" if KEY_IN_FILE else "",
        folder="results/{dataset}/records",
    shell:
        "python -m redwood records gather {params.names:q} --cleaned {params.cleaned} --dataset {wildcards.dataset}"
        " --options {params.options:q} {params.key} --output {params.folder} 2> {log}"


rule records_split:
    input:
        **folders(["results/{dataset}/records/jobs"]),
        table="results/{dataset}/records/table.json",
    output:
        train="results/{dataset}/records/train.parquet",
        validation="results/{dataset}/records/validation.parquet",
        test="results/{dataset}/records/test.parquet",
        summary="results/{dataset}/records/split.json",
    log:
        "results/{dataset}/logs/records_split.log",
    benchmark:
        "results/{dataset}/benchmarks/records_split.tsv"
    conda:
        "../../envs/records.yaml"
    threads: 1
    resources:
        **needs("records_split"),
    params:
        environment=environment("records"),
        code=code("redwood.records.splitting"),
        seed=configuration.seed_of("records"),
        split=" ".join(
            f"--{name} {value}" for name, value in configuration.records.split if value is not None
        ),
        folder="results/{dataset}/records",
    shell:
        "python -m redwood records split --table {input.table} --jobs {input.folders}"
        " {params.split} --seed {params.seed}"
        " --output {params.folder} 2> {log}"
