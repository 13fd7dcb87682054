"""From a file to a metric: DIN of specrec and of DeepCTR-Torch on the ratings of ml-1m, whole processes in turn. See README.md.

`epoch.py RATINGS SPECREC [--rounds 3] [--threads 2] [--cold]`, with a Python that has benches/quality/peers/requirements.txt.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent


def timed(command, **environment):
    """Seconds of the whole process, and what it printed."""
    begin = time.perf_counter()
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | environment)
    return time.perf_counter() - begin, done.stdout


def specrec(options, folder):
    run = f"{folder}/run"
    command = [options.specrec, "train", HERE / "epoch.yaml", "--set", f"let.ratings={options.ratings}", "--threads", options.threads, "--run", run, "--force"]
    seconds, _ = timed(command, SPECREC_CACHE=f"{folder}/cache")
    valid = [m for m in map(json.loads, open(f"{run}/metrics.jsonl")) if m["part"] == "valid"][-1]
    return {"whole process": seconds, "auc": valid["metrics"]["auc"]}


def deepctr(options):
    threads = {"OMP_NUM_THREADS": options.threads, "MKL_NUM_THREADS": options.threads}
    seconds, printed = timed([sys.executable, HERE / "epoch_deepctr.py", options.ratings, options.threads], **threads)
    return {"whole process": seconds, **json.loads(printed.splitlines()[-1])}


def main():
    a = argparse.ArgumentParser()
    a.add_argument("ratings")
    a.add_argument("specrec")
    a.add_argument("--rounds", type=int, default=3)
    a.add_argument("--threads", default="2")
    a.add_argument("--cold", action="store_true", help="leave out the runs that find the column cache of the run before")
    options = a.parse_args()
    options.ratings = str(pathlib.Path(options.ratings).resolve())
    rounds = []
    for at in range(options.rounds):
        with tempfile.TemporaryDirectory() as folder:
            sides = {"specrec, cold": specrec(options, folder)}
            if not options.cold:
                sides["specrec, warm"] = specrec(options, folder)
            rounds.append(sides | {"DeepCTR-Torch": deepctr(options)})
        print(f"round {at + 1}:", json.dumps(rounds[-1]), flush=True)
    print("| | seconds of the whole process | its ratio to specrec, cold | AUC |", "|---|---|---|---|", sep="\n")
    for side in rounds[0]:
        seconds = [r[side]["whole process"] for r in rounds]
        ratios = sorted(r[side]["whole process"] / r["specrec, cold"]["whole process"] for r in rounds)
        aucs = " ".join(f"{r[side]['auc']:.4f}" for r in rounds)
        print(f"| {side} | {statistics.median(seconds):.1f} | {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) | {aucs} |")
    stages = [name for name in rounds[0]["DeepCTR-Torch"] if name not in ("auc", "train", "valid", "whole process")]
    print("DeepCTR-Torch, medians:", ", ".join(f"{name} {statistics.median(r['DeepCTR-Torch'][name] for r in rounds):.1f} s" for name in stages))


if __name__ == "__main__":
    main()
