#!/usr/bin/env bash
# Run by snakemake inside the new environment: compiles SimGrid, which conda-forge does not have.
set -euo pipefail
python="$CONDA_PREFIX/bin/python"
export CMAKE_GENERATOR=Ninja BOOST_ROOT="$CONDA_PREFIX"
export CXXFLAGS="${CXXFLAGS:-} -g0" LDFLAGS="${LDFLAGS:-} -Wl,-s"
"$python" -m pip install --no-deps --no-build-isolation --require-hashes --requirement /dev/stdin <<'END'
simgrid==4.1 --hash=sha256:23ac24cb5b2467f1f051c992ec921b4a9f8f5ac2df16c489bd01bf1c44e6e817
END
packages=$("$python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
# The module finds its library beside itself, and that one the compiler's in the environment's lib.
"$CONDA_PREFIX/bin/patchelf" --set-rpath '$ORIGIN:$ORIGIN/../..' "$packages"/simgrid.cpython-*.so
"$python" -c 'import simgrid'
