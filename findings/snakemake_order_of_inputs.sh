#!/usr/bin/env bash
# One would guess: if a rule's inputs are listed in another order, so that `{input}` and with it the
# command differ, Snakemake runs the job again, as it does if a file joins them (trigger `input`).
# In fact: it compares which inputs there are, not their order. "Nothing to be done", though a dry run
# with --forceall prints the other command, and the result keeps the old order. An order that matters
# goes into `params:`, which are compared as they are.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check snakemake==9.27.1
cd "$folder"
echo first >first.txt
echo second >second.txt
cat >Snakefile <<'SNAKEFILE'
names = config["names"].split(",")


rule table:
    input:
        [f"{name}.txt" for name in names],
    output:
        "table.txt",
    shell:
        "cat {input} > {output}"
SNAKEFILE
run() { HOME=$folder venv/bin/snakemake --cores 1 --config names="$1" "${@:2}" 2>&1; }
run first,second >/dev/null
said=$(run second,first)
printed=$(run second,first --dry-run --forceall --printshellcmds | grep -o "cat .*")
venv/bin/snakemake --version
echo "Snakemake says:    $(grep -o "Nothing to be done" <<<"$said")"
echo "it would run:      $printed"
echo "what the table is: $(paste -sd " " table.txt)"
[ "$printed" = "cat second.txt first.txt > table.txt" ]
[ "$(paste -sd " " table.txt)" = "first second" ]
