#!/bin/sh
# In a fabricated environment: writes down what it was told to do to a file, which must be there.
for file in "$@"; do :; done
test -f "$file" || { echo "patchelf: $file: no such file" >&2; exit 1; }
echo "$*" >> "$CONDA_PREFIX/patchelf.txt"
