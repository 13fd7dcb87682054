#!/bin/bash
# Builds with `--features cuda` on Linux (x86-64) without a GPU and without CUDA: the compiler and the libraries come from NVIDIA's
# wheels on PyPI, and the driver, which no wheel holds, is a stub to link against.
#
# usage: scripts/cuda.sh DIR [CARGO ARGUMENTS]
#   DIR              where the wheels (1.2 GB) and the CUDA home made of them go; outside the repository is best
#   CARGO ARGUMENTS  default: build --features cuda
# CUDA_COMPUTE_CAP picks the generation of GPU (default 80). A machine with CUDA 13 needs none of this: `cargo build --features cuda`.
set -euo pipefail
test $# -gt 0 || { sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2; }
cd "$(dirname "$0")/.."
mkdir -p "$1"
dir=$(realpath "$1")
shift
test $# -gt 0 || set -- build --features cuda

if ! test -e "$dir/wheels.done"; then
  python3 -m venv "$dir/venv"
  # Versions that fit together: newer ones (13.5) are unknown to cudarc 0.19, and the wheels of CUDA 12 hold no nvcc.
  "$dir/venv/bin/pip" install --quiet nvidia-cuda-nvcc==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-nvvm==13.0.88 \
    nvidia-cuda-runtime==13.0.96 nvidia-cuda-cccl==13.0.85 nvidia-cuda-nvrtc==13.0.88 nvidia-curand==10.4.0.35 nvidia-cublas==13.0.2.14
  touch "$dir/wheels.done"
fi

# The layout that build scripts look for: bin, nvvm, include, and libraries without version in their names.
wheels=$(echo "$dir"/venv/lib/python3*/site-packages/nvidia/cu13)
home=$dir/home
mkdir -p "$home/lib64/stubs"
ln -sfn "$wheels/bin" "$home/bin"
ln -sfn "$wheels/nvvm" "$home/nvvm"
ln -sfn "$wheels/include" "$home/include"
ln -sfn "$home/lib64" "$home/lib"
for file in "$wheels"/lib/*; do
  name=$(basename "$file")
  ln -sf "$file" "$home/lib64/$name"
  case $name in *.so.*) ln -sf "$file" "$home/lib64/${name%%.so.*}.so" ;; esac
done

# The stub of the driver exports every function that cudarc binds, and each answers 100: there is no device.
cargo fetch --quiet
bindings=$(echo "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/cudarc-*/src/driver/sys)
grep -rhoE 'fn cu[A-Za-z0-9_]+' $bindings | awk '{print $NF}' | sort -u |
  while read -r symbol; do echo "int $symbol(void) { return 100; }"; done >"$home/stub.c"
gcc -shared -fPIC -o "$home/lib64/stubs/libcuda.so" "$home/stub.c" -Wl,-soname,libcuda.so.1
ln -sf libcuda.so "$home/lib64/stubs/libcuda.so.1"

export CUDA_HOME=$home CUDA_PATH=$home PATH=$home/bin:$PATH CUDA_COMPUTE_CAP=${CUDA_COMPUTE_CAP:-80}
exec cargo "$@"
