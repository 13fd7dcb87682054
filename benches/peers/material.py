"""Weights and batches for both sides, and the comparison of what they make of them."""

import numpy as np
from safetensors.numpy import load_file, save_file

SAMPLES, HISTORY = 1024, 50


def batches(folder, rows, count=8, ragged=False, pool=None, seed=1):
    """Files of made-up batches. `rows` says how many ids the tables have; `pool`, that items come from so many ids spread over the table."""
    rng = np.random.default_rng(seed)
    spread = None if pool is None else np.arange(pool, dtype=np.uint64) * (rows["item"] // pool)
    out = []
    for i in range(count):
        lengths = rng.integers(1, HISTORY + 1, SAMPLES) if ragged else np.full(SAMPLES, HISTORY)
        events = int(lengths.sum())
        values = {"offsets.history": np.concatenate([[0], np.cumsum(lengths)]).astype(np.uint32)}
        for prefix, n in [("", SAMPLES), ("history.", events)]:
            draw = rng.integers(0, rows["item"] if pool is None else pool, n)
            values[prefix + "item"] = (draw if pool is None else spread[draw]).astype(np.uint32)
            values[prefix + "kind"] = rng.integers(0, rows["kind"], n).astype(np.uint32)
        values["clicked"] = rng.integers(0, 2, (SAMPLES, 1)).astype(np.float32)
        path = f"{folder}/batch{i}.safetensors"
        save_file({f"batch/{k}": v for k, v in values.items()}, path)
        out.append(path)
    return out


def stir(path):
    """Weights away from their initial values: an alpha or a bias of 0 would hide what its gradient should show."""
    rng = np.random.default_rng(2)
    weights = load_file(path)
    for name, value in sorted(weights.items()):
        if name.endswith((".alpha", ".b")):
            weights[name] = rng.uniform(-0.3, 0.3, value.shape).astype(np.float32)
        elif value.shape[0] >= 1000:
            weights[name] = rng.normal(0, 0.1, value.shape).astype(np.float32)
    save_file(weights, path)


def differences(ours, theirs):
    """Per tensor: the largest difference, relative to its largest entry or to a thousandth of the largest gradient."""
    a, b = load_file(ours), load_file(theirs)
    missing = sorted(set(a) ^ set(b))
    if missing:
        raise SystemExit(f"only one side gives {missing}")
    floor = 1e-3 * max(abs(v).max() for k, v in b.items() if k.startswith("grad/"))
    return {k: float(abs(a[k].reshape(b[k].shape) - b[k]).max() / max(abs(b[k]).max(), floor)) for k in sorted(b)}
