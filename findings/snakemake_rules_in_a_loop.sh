#!/usr/bin/env bash
# One would guess: of a rule that is made in a loop, Snakemake runs the line that it prints. All other
# directives have the loop's values of that turn, and so has the printed line.
# In fact: a `shell:` that is put together from the loop's variable is put together again when the job
# runs, with the last turn's value. A dry run and the log of the run show another line than the one
# that was run. A value goes into `params:`, which is read once.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check snakemake==9.27.1
cd "$folder"
cat >Snakefile <<'SNAKEFILE'
rule all:
    input:
        "first.txt",
        "second.txt",


for word in ("first", "second"):

    rule:
        name:
            f"write_{word}"
        output:
            f"{word}.txt",
        params:
            word=word,
        shell:
            "echo {params.word} " + word + " > {output}"
SNAKEFILE
HOME=$folder venv/bin/snakemake --cores 1 --printshellcmds >log.txt 2>&1
venv/bin/snakemake --version
printed=$(grep -o "echo first .*" log.txt)
echo "printed:           $printed"
echo "what first.txt has: $(cat first.txt)"
[ "$printed" = "echo first first > first.txt" ]
[ "$(cat first.txt)" = "first second" ]
