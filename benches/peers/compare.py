"""A training step of specrec beside the same step of PyTorch: first that they compute the same, then how long they take.

`compare.py [--work w1,...] [--threads 1,2] [--rounds 7] [--lengths full|ragged|beauty] [--compile] [--requests [--candidates 100,1000]] [--check-only] [--write]`, from the root of the repository. See README.md.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

import child
import material
from material import BATCHES

HERE = pathlib.Path(__file__).parent
RESULTS = HERE.parent / "RESULTS.md"
SECONDS_PER_TURN = 2.0
QUIET = 0.05
TOLERANCE = 1e-4
# Samples of the batch whose gradients are compared.
COMPARED = 16
# How PyTorch computes a request.
FORMS = {"expanded": "expanded", "split": "split by hand"}


def arguments():
    a = argparse.ArgumentParser()
    a.add_argument("--threads", default="1,2")
    a.add_argument("--rounds", type=int, default=7)
    a.add_argument("--work", default="w1", help="w1 DIN, w2 DIEN, w3 BST, w4 BERT4Rec, w5 PRM; several with commas")
    a.add_argument("--lengths", default="full", choices=["full", "ragged", "beauty"], help="of the histories; PyTorch pads, the second time in batches of about one length")
    a.add_argument("--compile", action="store_true", help="torch.compile too, which takes minutes to begin with")
    a.add_argument("--requests", action="store_true", help="one user and 100 or 1,000 candidates: p50 and p99 of a request")
    a.add_argument("--candidates", default="100,1000", help="of a request")
    a.add_argument("--check-only", action="store_true")
    a.add_argument("--table-size", action="store_true", help="specrec alone: tables of 1e4, 1e6 and 1e8 rows")
    a.add_argument("--write", action="store_true", help=f"put the tables into {RESULTS.name}")
    a.add_argument("--step", help="the built example, instead of building it")
    return a.parse_args()


def built(options):
    if options.step:
        return options.step
    subprocess.run(["cargo", "build", "--release", "--example", "step"], check=True)
    meta = subprocess.run(["cargo", "metadata", "--format-version", "1", "--no-deps"], check=True, capture_output=True, text=True)
    return f"{json.loads(meta.stdout)['target_directory']}/release/examples/step"


TITLES = {"w1": "DIN", "w2": "DIEN", "w3": "BST", "w4": "BERT4Rec", "w5": "PRM"}


def ours(step, work, threads, *settings, name="specrec"):
    return child.Child(name, [step, str(HERE / f"{work}.yaml"), "--threads", str(threads), *settings], threads)


def theirs(work, kind, threads, mode="eager", bucketed=False):
    command = [sys.executable, str(HERE / "torch_side.py"), work, kind, str(threads), mode]
    name = f"PyTorch, {kind} Adam" + (", compiled" if mode == "compile" else "") + (", bucketed" if bucketed else "")
    return child.Child(name, command, threads, bucketed)


def rows(specrec):
    """How many rows the tables have, from `describe`: `item:100000x16 ...`."""
    shapes = dict(w.rpartition(":")[::2] for w in specrec.ask("describe"))
    return {name: int(shapes[name].split("x")[0]) for name in ("item", "kind", "movie") if name in shapes}


def prepare(children, folder, options, work):
    """The same weights and batches everywhere, and one step of each compared."""
    specrec = children[0]
    weights = f"{folder}/weights.safetensors"
    specrec.ask("save", weights)
    material.stir(weights)
    # Where a number before a ReLU is nearly 0, rounding decides on its gradient. A full batch has a few such numbers among millions, a small one has none.
    small = material.batches(folder, work, rows(specrec), count=1, lengths=options.lengths, samples=COMPARED)
    for i, c in enumerate(children):
        c.ask("load", weights, *small)
        c.ask("grads", f"{folder}/grads{i}.safetensors")
    for i, peer in enumerate(children[1:], 1):
        found = material.differences(f"{folder}/grads0.safetensors", f"{folder}/grads{i}.safetensors")
        worst = max(found, key=found.get)
        print(f"{peer.name}: loss and {len(found) - 1} gradients agree to {found[worst]:.1e} ({worst})")
        if found[worst] > TOLERANCE:
            raise SystemExit("they do not compute the same: nothing is timed. " + str({k: v for k, v in found.items() if v > TOLERANCE}))
    batches = material.batches(folder, work, rows(specrec), lengths=options.lengths)
    os.mkdir(f"{folder}/buckets")
    buckets = material.batches(f"{folder}/buckets", work, rows(specrec), lengths=options.lengths, bucketed=True)
    for c in children:
        c.ask("load", weights, *(buckets if c.bucketed else batches))
        c.forget_peak()
        parameters, flops = c.ask("count")
        print(f"{c.name}: {int(parameters):,} parameters, {int(flops):,} FLOPs of matrix products per training step")


def of_rounds(times):
    """The mean over the batches, each time they went round: they are not of one size if they are bucketed."""
    return [statistics.mean(times[i : i + BATCHES]) for i in range(0, len(times), BATCHES)]


def measure(children, verb, rounds):
    """Median milliseconds per round for every child, taken in turns; a turn that other work disturbed is taken again."""
    counts = {}
    for c in children:
        c.times(verb, BATCHES)
        counts[c] = BATCHES * max(1, round(SECONDS_PER_TURN * 1e3 / sum(c.times(verb, BATCHES))))
    medians, disturbed = {c: [] for c in children}, 0
    while len(medians[children[-1]]) < rounds:
        for c in children:
            for attempt in range(5):
                others = child.machine_cpu_seconds() - c.cpu_seconds()
                times = c.times(verb, counts[c])
                share = (child.machine_cpu_seconds() - c.cpu_seconds() - others) / (sum(times) / 1e3)
                if share < QUIET:
                    break
                disturbed += 1
            medians[c].append(statistics.median(of_rounds(times)))
    return medians, disturbed


def table(children, verb, medians):
    """One line per child: the median over the rounds, and the ratio of each round to specrec's."""
    out = []
    for c in children:
        ratios = sorted(t / o for t, o in zip(medians[c], medians[children[0]]))
        spread = f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})" if c is not children[0] else "1"
        out.append(f"| {verb} | {c.name} | {statistics.median(medians[c]):.2f} | {spread} | {c.peak_megabytes():.0f} |")
    return out


def against_pytorch(step, options, work):
    lines = ["| threads | | | ms | ratio to specrec | peak MB |", "|---|---|---|---|---|---|"]
    for threads in map(int, options.threads.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            children = [ours(step, work, threads), theirs(work, "dense", threads)]
            if work in ("w1", "w2", "w3"):
                children.append(theirs(work, "sparse", threads))
            if options.compile:
                children.append(theirs(work, "dense", threads, "compile"))
            if options.lengths != "full":
                children += [theirs(work, "dense", threads, mode, bucketed=True) for mode in ["eager", "compile"][: 1 + options.compile]]
            prepare(children, folder, options, work)
            if not options.check_only:
                for verb, name in [("time", "training step"), ("infer", "inference of the batch")]:
                    medians, disturbed = measure(children, verb, options.rounds)
                    lines += [f"| {threads} {l}" for l in table(children, name, medians)]
                    print(f"{name}, {threads} threads: {disturbed} turns were disturbed by other work and taken again")
            for c in children:
                c.close()
    return lines


def requests(step, options, work):
    """One user and many candidates. Every form of PyTorch's is measured; the ratio is to the one that it is compared with."""
    lines = ["| threads | candidates | | p50 ms | p99 ms | p50 to specrec's |", "|---|---|---|---|---|---|"]
    forms = list(FORMS) if work in ("w1", "w2") else ["expanded"]
    for threads in map(int, options.threads.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            children = [ours(step, work, threads), theirs(work, "dense", threads)]
            if options.compile:
                children.append(theirs(work, "dense", threads, "compile"))
            weights = f"{folder}/weights.safetensors"
            children[0].ask("save", weights)
            material.stir(weights)
            batch = material.batches(folder, work, rows(children[0]), count=1, lengths=options.lengths)
            for c in children:
                c.ask("load", weights, *batch)
            sides = [(children[0], [], "specrec")]
            sides += [(c, [form], f"PyTorch{', compiled' if 'compiled' in c.name else ''}, {FORMS[form]}") for c in children[1:] for form in forms]
            for candidates in map(int, options.candidates.split(",")):
                for i, (c, form, name) in enumerate(sides):
                    c.ask("scores", f"{folder}/scores{i}.safetensors", candidates, *form)
                    found = material.scores(f"{folder}/scores0.safetensors", f"{folder}/scores{i}.safetensors")
                    print(f"{name}: {candidates} scores agree to {found:.1e}")
                    if found > TOLERANCE:
                        raise SystemExit("they do not compute the same: nothing is timed")
                if options.check_only:
                    continue
                times = request_times(sides, candidates, options.rounds)
                p50, p99 = ([np.percentile(t, q) for t in times] for q in (50, 99))
                for (_, _, name), a, b in zip(sides, p50, p99):
                    lines.append(f"| {threads} | {candidates} | {name} | {a:.3f} | {b:.3f} | {a / p50[0]:.2f} |")
            for c in children:
                c.close()
    return lines


def request_times(sides, candidates, rounds):
    """Milliseconds of every request, the sides in turns of half a second; a turn that other work disturbed is taken again."""
    def ask(side, n):
        return [float(t) for t in side[0].ask("request", n, candidates, *side[1])]

    counts = []
    for side in sides:
        ask(side, 5)
        counts.append(max(5, round(500 / statistics.median(ask(side, 5)))))
    times, disturbed = [[] for _ in sides], 0
    for _ in range(rounds):
        for side, count, own in zip(sides, counts, times):
            for _ in range(5):
                others = child.machine_cpu_seconds() - side[0].cpu_seconds()
                began = time.perf_counter()
                found = ask(side, count)
                share = (child.machine_cpu_seconds() - side[0].cpu_seconds() - others) / (time.perf_counter() - began)
                if share < QUIET:
                    break
                disturbed += 1
            own += found
    print(f"{candidates} candidates: {disturbed} turns were disturbed by other work and taken again")
    return times


def table_sizes(step, options):
    """The same 9,000 ids spread over tables of three sizes."""
    lines = ["| threads | | | ms | ratio to the small table | peak MB | virtual MB |", "|---|---|---|---|---|---|---|"]
    for threads in map(int, options.threads.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            children = []
            for size in (10_000, 1_000_000, 100_000_000):
                c = ours(step, "w1", threads, "--set", f"features.item.size={size}", name=f"{size:,} items")
                path = pathlib.Path(folder, str(size))
                path.mkdir()
                c.ask("load", "-", *material.batches(path, "w1", rows(c), pool=9_000))
                children.append(c)
            medians, disturbed = measure(children, "time", options.rounds)
            lines += [
                f"| {threads} {l} {c.peak_megabytes('VmPeak'):.0f} |"
                for c, l in zip(children, table(children, "training step", medians))
            ]
            print(f"{threads} threads: {disturbed} turns were disturbed by other work and taken again")
            for c in children:
                c.close()
    return lines


def write(title, lines, options):
    """A section of the results is replaced as a whole."""
    import torch

    cpu = next((l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine())
    found = "p50 and p99 over all requests" if options.requests else "medians, and the range of the ratio over the rounds"
    about = f"{datetime.date.today()}, {cpu}, PyTorch {torch.__version__}, {options.rounds} rounds; {found}."
    section = f"## {title}\n\n{about}\n\n" + "\n".join(lines) + "\n"
    old = RESULTS.read_text() if RESULTS.exists() else "# Measured\n\nHow: [peers/README.md](peers/README.md).\n"
    parts = old.split("\n## ")
    kept = [p for p in parts[1:] if not p.startswith(title + "\n")]
    RESULTS.write_text("\n## ".join([parts[0], *[k.rstrip("\n") + "\n" for k in kept]]) + "\n" + section)


def main():
    options = arguments()
    step = built(options)
    if options.table_size:
        sections = [("W1, tables of 1e4, 1e6 and 1e8 rows", table_sizes(step, options))]
    elif options.requests:
        works = options.work.split(",")
        sections = ((f"{w.upper()} {TITLES[w]}: requests beside PyTorch", requests(step, options, w)) for w in works)
    else:
        how = {"full": "", "ragged": ", ragged histories", "beauty": ", histories of amazon-beauty's lengths"}[options.lengths]
        works = options.work.split(",")
        sections = ((f"{w.upper()} {TITLES[w]} beside PyTorch{how}", against_pytorch(step, options, w)) for w in works)
    for title, lines in sections:
        print(title, *lines, sep="\n")
        if options.write and not options.check_only:
            write(title, lines, options)


if __name__ == "__main__":
    main()
