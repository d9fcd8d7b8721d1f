"""Why Snakemake will run what it will run, in words."""
