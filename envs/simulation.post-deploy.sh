#!/usr/bin/env bash
# Run by snakemake inside the new environment: compiles SimGrid, which conda-forge does not have.
set -euo pipefail
export CMAKE_GENERATOR=Ninja BOOST_ROOT="$CONDA_PREFIX"
export CXXFLAGS="${CXXFLAGS:-} -g0" LDFLAGS="${LDFLAGS:-} -Wl,-s"
pip install --no-deps --no-build-isolation simgrid==4.1
packages=$(python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
# The module finds its library beside itself, and that one the compiler's in the environment's lib.
patchelf --set-rpath '$ORIGIN:$ORIGIN/../..' "$packages"/simgrid.cpython-*.so
python -c 'import simgrid'
