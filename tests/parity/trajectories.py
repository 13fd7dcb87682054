"""Ten steps of an optimiser on a model of two tables: the weights after every step.

The model: `relu(concat(mean of a's bag, b) W0 + b0) W1 + b1`, mean binary cross-entropy. Every step reads other rows; some come back
after a gap, some are met twice in a batch, some never: only the exact optimisers move a row that a batch does not hold.
"""

import numpy as np
import torch

import layers
import ragged

STEPS, ROWS = 10, 6
LR = 0.05
TABLES = {"table.a": (20, 4), "table.b": (15, 3)}
# One settings line per optimiser: what a spec must say to mean the same.
DENSE = {
    "adam": lambda p: torch.optim.Adam(p, lr=LR, betas=(0.9, 0.999), eps=1e-8),
    "adamw": lambda p: torch.optim.AdamW(p, lr=LR, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1),
    "sgd": lambda p: torch.optim.SGD(p, lr=LR, momentum=0.9),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=LR, eps=1e-10),
}
SPARSE = {
    "lazy_adam": lambda p: torch.optim.SparseAdam(p, lr=LR, betas=(0.9, 0.999), eps=1e-8),
    "adam": DENSE["adam"],
    "adagrad": DENSE["adagrad"],
    "sgd": lambda p: torch.optim.SGD(p, lr=LR),
}


def weights():
    rng = np.random.default_rng(31)
    out = {k: rng.normal(0, 0.7, shape) for k, shape in TABLES.items()}
    for path, (n, m) in {"hidden": (7, 5), "out": (5, 1)}.items():
        out[path + ".w"] = rng.normal(0, n**-0.5, (n, m))
        out[path + ".b"] = rng.normal(0, 0.1, m)
    return out


def batches():
    """Bags of 1 to 3 ids of `a` and one id of `b` per row; a step draws from a window of five ids that moves and comes back."""
    rng = np.random.default_rng(32)
    out = []
    for step in range(STEPS):
        window = lambda size: (np.arange(5) + 4 * (step % 4)) % (size - 2)
        lengths = rng.integers(1, 4, ROWS)
        out.append({
            "offsets.a": np.concatenate([[0], np.cumsum(lengths)]).astype(np.uint32),
            "a": rng.choice(window(20), lengths.sum()).astype(np.uint32),
            "b": rng.choice(window(15), ROWS).astype(np.uint32),
            "label": (rng.random((ROWS, 1)) < 0.5).astype(np.float32),
        })
    return out


def train(start, data, dense, tables, clip, dtype):
    w = {k: torch.tensor(v.astype(np.float32)).to(dtype).requires_grad_() for k, v in start.items()}
    optimizers = [
        DENSE[dense]([v for k, v in w.items() if k not in TABLES]),
        SPARSE[tables]([w[k] for k in TABLES]),
    ]
    out = {}
    for i, batch in enumerate(data):
        b = {k: torch.tensor(v.astype(np.int64) if v.dtype == np.uint32 else v) for k, v in batch.items()}
        x = torch.cat([ragged.mean(w["table.a"][b["a"]], b["offsets.a"]), w["table.b"][b["b"]]], 1)
        logit = layers.linear(w, "out", torch.relu(layers.linear(w, "hidden", x)))
        loss = layers.bce(logit, b["label"].to(dtype))
        for p, g in zip(w.values(), torch.autograd.grad(loss, list(w.values()))):
            p.grad = g
        if clip is not None:
            norm = torch.nn.utils.clip_grad_norm_(list(w.values()), clip)
            out[f"norm.{i}"] = norm.reshape(1)
        if tables == "lazy_adam":
            for table, ids in [("table.a", b["a"]), ("table.b", b["b"])]:
                rows = torch.unique(ids)
                w[table].grad = torch.sparse_coo_tensor(rows[None], w[table].grad[rows], w[table].shape, check_invariants=True)
        for o in optimizers:
            o.step()
        out[f"loss.{i}"] = loss.detach().reshape(1)
        out |= {f"after.{i}/{k}": v.detach().clone() for k, v in w.items()}
    return out


def run(dense, tables, clip=None):
    """What is given, what comes out in f64, and the largest absolute difference of f32 weights after the last step."""
    start, data = weights(), batches()
    exact = train(start, data, dense, tables, clip, torch.float64)
    single = train(start, data, dense, tables, clip, torch.float32)
    error = max((v - single[k]).abs().max().item() for k, v in exact.items() if k.startswith(f"after.{STEPS - 1}/"))
    given = {f"weight/{k}": v for k, v in start.items()}
    given |= {f"batch.{i}/{k}": v for i, b in enumerate(data) for k, v in b.items()}
    return given, {k: v.numpy() for k, v in exact.items()}, error
