"""What runs need: requests and plan, status, Snakemake's records, manifest, check and bundle."""
