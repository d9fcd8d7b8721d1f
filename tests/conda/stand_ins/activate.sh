# Sourced as `activate PREFIX`, like conda's own, and does to PATH what that does: an environment that
# is active already is replaced where it stands, behind whatever was put before it; else the new one
# comes first.
if [ ! -d "$1/conda-meta" ]; then
    echo "EnvironmentLocationNotFound: Not a conda environment: $1" >&2
    return 1
fi
case ":$PATH:" in
    *":${CONDA_PREFIX:-}/bin:"*) active=${CONDA_SHLVL:-0} ;;
    *) active=0 ;;
esac
if [ "$active" -gt 0 ]; then
    PATH=":$PATH:"
    PATH=${PATH/":$CONDA_PREFIX/bin:"/":$1/bin:"}
    PATH=${PATH#:} PATH=${PATH%:}
else
    PATH="$1/bin:$PATH"
fi
export PATH CONDA_PREFIX="$1" CONDA_SHLVL=$((${CONDA_SHLVL:-0} + 1))
hash -r
