"""Weights and batches for both sides, and the comparison of what they make of them."""

import numpy as np
from safetensors.numpy import load_file, save_file

SAMPLES = {"w1": 1024, "w2": 256, "w3": 1024, "w4": 64, "w5": 256}
LONGEST = {"w1": 50, "w2": 50, "w3": 20, "w4": 200, "w5": 30}


def lengths_of(work, how, n, rng):
    """`full`; `ragged`: 1 to the longest alike; or `beauty`: as the histories of amazon-beauty, mean about 8, at most 50."""
    longest = LONGEST[work]
    if how == "ragged":
        return rng.integers(1, longest + 1, n)
    if how == "beauty":
        # 5-core: at least 4 past events, then a geometric tail.
        return np.minimum(4 + rng.geometric(0.22, n) - 1, longest)
    return np.full(n, longest)


BATCHES = 8


def batches(folder, work, rows, count=BATCHES, lengths="full", pool=None, seed=1, samples=None, bucketed=False):
    """Files of made-up batches, of the work's own size if `samples` says none; `bucketed`, with histories of the same lengths in all, but each batch those of about one length. `rows` says how many ids the tables have; `pool`, that items come from so many ids spread over the table."""
    rng = np.random.default_rng(seed)
    spread = None if pool is None else np.arange(pool, dtype=np.uint64) * (rows["item"] // pool)
    longs = [lengths_of(work, lengths, samples or SAMPLES[work], rng) for _ in range(count)]
    if bucketed:
        longs = np.split(np.sort(np.concatenate(longs)), count)
    out = []
    for i, long in enumerate(longs):
        n, events = len(long), int(long.sum())
        axis = "slate" if work == "w5" else "history"
        values = {f"offsets.{axis}": np.concatenate([[0], np.cumsum(long)]).astype(np.uint32)}

        def ads(prefix, n):
            draw = rng.integers(0, rows["item"] if pool is None else pool, n)
            values[prefix + "item"] = (draw if pool is None else spread[draw]).astype(np.uint32)
            if "kind" in rows:
                values[prefix + "kind"] = rng.integers(0, rows["kind"], n).astype(np.uint32)

        if work in ("w1", "w2", "w3"):
            ads("", n)
            ads("history.", events)
            values["clicked"] = rng.integers(0, 2, (n, 1)).astype(np.float32)
        if work == "w2":
            ads("unseen.", events)
            values["offsets.unseen"] = np.arange(events + 1, dtype=np.uint32)
        if work == "w4":
            item = rng.integers(1, rows["movie"], events).astype(np.uint32)
            hidden = np.zeros(events, np.float32)
            for start, length in zip(values["offsets.history"], long):
                hidden[start + rng.permutation(length)[: max(1, length // 5)]] = 1
            values |= {"history.item": item, "history.token": np.where(hidden > 0, 0, item).astype(np.uint32)}
            values["history.hidden"] = hidden.reshape(-1, 1)
        if work == "w5":
            values["slate.document"] = rng.normal(0, 1, (events, 128)).astype(np.float32)
            values["slate.clicked"] = (rng.random((events, 1)) < 0.1).astype(np.float32)
        path = f"{folder}/batch{i}.safetensors"
        save_file({f"batch/{k}": v for k, v in values.items()}, path)
        out.append(path)
    return out


def stir(path):
    """Weights away from their initial values: an alpha or a bias of 0 would hide what its gradient should show."""
    rng = np.random.default_rng(2)
    weights = load_file(path)
    for name, value in sorted(weights.items()):
        if name.endswith((".alpha", ".b", ".bias", ".shift")):
            weights[name] = rng.uniform(-0.3, 0.3, value.shape).astype(np.float32)
        elif name.endswith(".scale"):
            weights[name] = rng.uniform(0.7, 1.3, value.shape).astype(np.float32)
        elif name.endswith(".positions") or value.shape[0] >= 1000 and "." not in name:
            weights[name] = rng.normal(0, 0.1, value.shape).astype(np.float32)
    save_file(weights, path)


def differences(ours, theirs):
    """Per tensor: the largest difference, relative to its largest entry, or to a hundredth of the largest gradient: a bias before a softmax has none but rounding."""
    a, b = load_file(ours), load_file(theirs)
    missing = sorted(set(a) ^ set(b))
    if missing:
        raise SystemExit(f"only one side gives {missing}")
    floor = 1e-2 * max(abs(v).max() for k, v in b.items() if k.startswith("grad/"))
    return {k: float(abs(a[k].reshape(b[k].shape) - b[k]).max() / max(abs(b[k]).max(), floor)) for k in sorted(b)}


def scores(ours, theirs):
    """The largest difference of two lists of scores, relative to the largest score."""
    a, b = load_file(ours)["scores"], load_file(theirs)["scores"]
    return float(abs(a - b).max() / abs(b).max())
