#!/usr/bin/env bash
# apptainer exec … IMAGE SHELL -c COMMAND on this machine, with the folder IMAGE in the place of the
# image's root as far as environments go.
if [ "$1" = --version ]; then
    echo "apptainer version 1.4.0"
    exit
fi
image=${*: -4:1} shell=${*: -3:1} command=${*: -1}
exec "$shell" -c "${command//\/conda-envs\//$image/conda-envs/}"
