#!/usr/bin/env bash
# Times of `specrec check` for every shipped spec, and from the start of `specrec train` to the end of its first step, without
# and with the column cache. Medians of 9 runs. The first step's checkpoint and the run directory are part of the time.
# usage: benches/start.sh [SPECREC]      (from the root of the repository; the binary, target/release/specrec when absent)
set -euo pipefail
specrec=$(realpath "${1:-target/release/specrec}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SPECREC_CACHE=$work/cache

# Milliseconds of a command: median of 9 runs. `before` runs ahead of each, untimed.
median() {
  for _ in 1 2 3 4 5 6 7 8 9; do
    eval "$before"
    local start=$EPOCHREALTIME
    "$@" >"$work/out" 2>&1 || [[ $? == 130 ]] || { cat "$work/out" >&2; return 1; }
    local end=$EPOCHREALTIME
    echo $(((${end/./} - ${start/./}) / 100))
  done | sort -n | awk 'NR == 5 {printf "%7.1f ms", $1 / 10}'
}

echo "$(awk -F': ' '/model name/ {print $2; exit}' /proc/cpuinfo), $(nproc) cores, load average $(cut -d' ' -f1-3 /proc/loadavg)"
before=:
for spec in specs/*.yaml examples/*.yaml; do
  time=$(median "$specrec" check "$spec")
  echo "$time  check $spec"
done
for spec in specs/base.yaml specs/din.yaml specs/din_rated.yaml; do
  train=("$specrec" train "$spec" --run "$work/run" --force --stop-after 1)
  before='rm -rf "$SPECREC_CACHE"'
  time=$(median "${train[@]}")
  echo "$time  first step of $spec, without the cache"
  before=:
  time=$(median "${train[@]}")
  echo "$time  first step of $spec, with it"
done
echo "load average at the end $(cut -d' ' -f1-3 /proc/loadavg)"
