# Synthetic dumps, where there are none, and how close they come to what is published of genuine ones.
if SOURCE.generate is not None:

    rule generator_make:
        input:
            sites="resources/sites.csv",
        output:
            list(DUMPS.values()),
            marker=f"{RAW}/generated/_SYNTHETIC.json",
        log:
            f"results/{configuration.dataset}/logs/generator_make.log",
        benchmark:
            f"results/{configuration.dataset}/benchmarks/generator_make.tsv"
        conda:
            "../../envs/records.yaml"
        threads: 1
        resources:
            **needs("generator_make"),
        params:
            environment=environment("records"),
            code=code("redwood.generator.dumps"),
            seed=configuration.seed_of("records"),
            # With their names: Snakemake compares the values of all parameters as one set, so it
            # does not see that two are exchanged; nor does it look into objects.
            made=" ".join(f"--{name} {value}" for name, value in SOURCE.generate),
            folder=f"{RAW}/generated",
        shell:
            "python -m redwood generator make {params.made} --seed {params.seed}"
            " --output {params.folder} 2> {log}"


if SOURCE.generate is not None:

    rule generator_calibrate:
        input:
            list(DUMPS.values()),
            targets="resources/generation_targets.csv",
        output:
            shown(
                "results/{dataset}/records/calibration.html",
                "calibration",
                "Records",
                "generated records against published facts",
            ),
            "results/{dataset}/records/calibration.json",
        log:
            "results/{dataset}/logs/generator_calibrate.log",
        benchmark:
            "results/{dataset}/benchmarks/generator_calibrate.tsv"
        conda:
            "../../envs/records.yaml"
        threads: 1
        resources:
            **needs("generator_calibrate"),
        params:
            environment=environment("records"),
            code=code("redwood.generator.calibration"),
            raw=f"{RAW}/generated",
            folder="results/{dataset}/records",
        shell:
            "python -m redwood generator calibrate {params.raw} --output {params.folder} 2> {log}"
