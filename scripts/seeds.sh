#!/usr/bin/env bash
# Trains specs with several seeds and prints the test line of each run; test is read once per seed.
# usage: scripts/seeds.sh SPECREC OUT SEEDS SPEC...   (the binary, a directory for the runs, "1 2 3 4 5", specs)
set -euo pipefail
specrec=$1 out=$2 seeds=$3
shift 3
for spec in "$@"; do
  for seed in $seeds; do
    dir=$out/$(basename "$spec" .yaml)-$seed
    "$specrec" train "$spec" --seed "$seed" --run "$dir" --force 2>/dev/null | awk -v s="$(basename "$spec" .yaml)" -v n="$seed" '$1 == "valid" && NF == 5 {v = $4 " " $5} $1 == "test" && NF == 5 {print s, "seed", n, "valid auc gauc", v, "test auc gauc", $4, $5}'
  done
done
