"""Writes every fixture of this folder: `python oracle.py [NAME...]`, with the versions of requirements.txt.

All numbers are computed in f64 from values that f32 can hold, and stored as f32. The table printed says how far PyTorch
in f32 is from that, per fixture: what a tolerance can ask for.
"""

import pathlib
import sys
import zlib

import numpy as np
import safetensors.numpy
import torch

import draws
import fields
import interests
import layers
import metrics
import models
import sequences
import shapes
import trajectories

FIXTURES = pathlib.Path(__file__).parent / "fixtures"
FULL = {"hidden": [80, 40], "top": [200, 80]}
SMALL = {"hidden": [6, 5], "top": [9, 7]}


def tensor(value, dtype):
    """Floats in the wanted precision, rounded to f32 first; ids as they are."""
    if value.dtype == np.uint32:
        return torch.tensor(value.astype(np.int64))
    return torch.tensor(value.astype(np.float32)).to(dtype)


def evaluate(model, weights, batch, running, options, dtype):
    """Values, loss, gradients and batch statistics of one step."""
    leaves = {k: tensor(v, dtype).requires_grad_(running is None) for k, v in weights.items()}
    stats = None if running is None else {k: tensor(v, dtype) for k, v in running.items()}
    w = layers.Weights(leaves, stats)
    b = {k: tensor(v, dtype) for k, v in batch.items()}
    values, loss = models.loss(w, b, model, **options)
    out = {f"output/{k}": v for k, v in values.items()} | {"loss": loss.reshape(1)}
    if running is None:
        grads = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True, materialize_grads=True)
        out |= {f"grad/{k}": g for k, g in zip(leaves, grads)}
        out |= {f"batch_stat/{k}": v for k, v in w.seen.items()}
    if model is models.din:
        padded = models.din_padded(layers.Weights(leaves, stats), b, **options)
        assert torch.allclose(padded, values["logit"], rtol=1e-5 if dtype == torch.float32 else 1e-12, atol=1e-6), "padded and ragged DIN differ"
    return {k: v.detach() for k, v in out.items()}


def step(name, model, weights, batch, running=None, /, **options):
    """The fixture of one step of a model."""
    exact = evaluate(model, weights, batch, running, options, torch.float64)
    single = evaluate(model, weights, batch, running, options, torch.float32)
    report(name, exact, single)
    given = {f"weight/{k}": v for k, v in weights.items()} | {f"batch/{k}": v for k, v in batch.items()}
    if running is not None:
        given |= {f"stat/{k}": v for k, v in running.items()}
    save(name, given | {k: v.numpy() for k, v in exact.items()})


def paper(name, seed, draw, model):
    """The fixture of one step of a model that gives its values and its losses by name; gradients are those of their sum."""
    weights, batch = draw(np.random.default_rng(seed), name)
    results = []
    for dtype in (torch.float64, torch.float32):
        leaves = {k: tensor(v, dtype).requires_grad_() for k, v in weights.items()}
        values, losses = model(layers.Weights(leaves), {k: tensor(v, dtype) for k, v in batch.items()})
        grads = torch.autograd.grad(sum(losses.values()), list(leaves.values()), allow_unused=True, materialize_grads=True)
        out = {f"output/{k}": v for k, v in values.items()} | {f"loss/{k}": v.reshape(1) for k, v in losses.items()}
        out |= {f"grad/{k}": g for k, g in zip(leaves, grads)}
        results.append({k: v.detach() for k, v in out.items()})
    report(name, *results)
    given = {f"weight/{k}": v for k, v in weights.items()} | {f"batch/{k}": v for k, v in batch.items()}
    save(name, given | {k: v.numpy() for k, v in results[0].items()})


def activation(name, kind):
    """A fixture of one activation alone: `x`, `alpha`, a cotangent of the result, and what follows in training and in evaluation."""
    rng = np.random.default_rng(21)
    given = {"x": rng.normal(0.3, 1.2, (6, 4)), "alpha": rng.uniform(-0.4, 0.6, 4), "cotangent": rng.normal(0, 1, (6, 4))}
    stats = {"a.mean": rng.normal(0, 0.3, 4), "a.var": rng.uniform(0.2, 2.0, 4)}
    out = {}
    for mode, running in [("train", None), ("eval", {k: tensor(v, torch.float64) for k, v in stats.items()})]:
        x, alpha = (tensor(given[k], torch.float64).requires_grad_() for k in ("x", "alpha"))
        y = layers.ACTIVATIONS[kind](layers.Weights({"a.alpha": alpha}, running), "a", x)
        dx, dalpha = torch.autograd.grad((y * tensor(given["cotangent"], torch.float64)).sum(), [x, alpha])
        out |= {f"{mode}/{k}": v.detach().numpy() for k, v in {"y": y, "grad_x": dx, "grad_alpha": dalpha}.items()}
    save(name, given | {f"stat/{k[2:]}": v for k, v in stats.items()} | out)


def save(name, values):
    FIXTURES.mkdir(exist_ok=True)
    stored = {k: np.ascontiguousarray(v if v.dtype == np.uint32 else v.astype(np.float32)) for k, v in values.items()}
    (FIXTURES / f"{name}.safetensors").write_bytes(safetensors.numpy.save(stored))


def report(name, exact, single):
    """The largest difference of f32 from f64, relative to the largest entry of the tensor, or to 1e-4 of the largest of its kind:
    a gradient can be nothing but rounding, as that of a bias under a softmax."""
    kinds, worst = {}, {}
    for key, value in exact.items():
        kinds.setdefault(key.split("/")[0], []).append((value, single[key]))
    for kind, pairs in kinds.items():
        sizes = [v.abs().max().item() if v.numel() else 0.0 for v, _ in pairs]
        errors = [(v - s).abs().max().item() if v.numel() else 0.0 for v, s in pairs]
        worst[kind] = max(e / max(size, 1e-4 * max(sizes)) for e, size in zip(errors, sizes))
    print(f"{name:20}", "  ".join(f"{k} {v:.1e}" for k, v in worst.items()))


def din(name, seed, sizes, weights="raw", unit="dice", top="dice", histories=draws.HISTORIES, evaluate=False):
    rng = np.random.default_rng(seed)
    values = draws.din(rng, sizes["hidden"], sizes["top"], unit, top)
    batch = draws.batch(rng, histories)
    running = draws.running(rng, values) if evaluate else None
    step(name, models.din, values, batch, running, weights=weights, unit=unit, top=top)


def base():
    rng = np.random.default_rng(8)
    step("base", models.base, draws.base(rng, SMALL["top"]), draws.batch(rng))


def deepfm():
    rng = np.random.default_rng(9)
    step("deepfm", models.deepfm, draws.deepfm(rng, SMALL["top"]), draws.batch(rng))


def trajectory(name, **options):
    given, exact, error = trajectories.run(**options)
    print(f"{name:20} weights {error:.1e}")
    save(name, given | exact)


CASES = {
    "din_raw": lambda n: din(n, 1, FULL),
    "din_softmax": lambda n: din(n, 2, FULL, weights="softmax"),
    "din_scaled_softmax": lambda n: din(n, 3, SMALL, weights="scaled_softmax"),
    "din_raw_eval": lambda n: din(n, 4, SMALL, evaluate=True),
    "din_softmax_eval": lambda n: din(n, 5, SMALL, weights="softmax", evaluate=True),
    "din_sigmoid_unit": lambda n: din(n, 6, SMALL, unit="sigmoid"),
    "din_prelu": lambda n: din(n, 7, SMALL, unit="prelu", top="prelu"),
    "din_no_events": lambda n: din(n, 10, SMALL, histories=[0, 0, 0, 0]),
    "din_one_event": lambda n: din(n, 11, SMALL, histories=[0, 1, 0]),
    "base": lambda n: base(),
    "deepfm": lambda n: deepfm(),
    "dice": lambda n: activation(n, "dice"),
    "prelu": lambda n: activation(n, "prelu"),
    "steps_lazy_adam": lambda n: trajectory(n, dense="adam", tables="lazy_adam"),
    "steps_exact_adam": lambda n: trajectory(n, dense="adam", tables="adam"),
    "steps_adamw": lambda n: trajectory(n, dense="adamw", tables="adam"),
    "steps_momentum": lambda n: trajectory(n, dense="sgd", tables="adagrad"),
    "steps_clip": lambda n: trajectory(n, dense="sgd", tables="sgd", clip=0.25),
    "steps_adagrad": lambda n: trajectory(n, dense="adagrad", tables="adagrad"),
    "metrics": lambda n: metrics.write(FIXTURES / f"{n}.json"),
}

# A seed by name, so that one more fixture changes no other.
for name in shapes.INTERESTS:
    CASES[name] = lambda n: paper(n, zlib.crc32(n.encode()), shapes.interest, lambda w, b: interests.model(w, b, n))
for name in fields.INTERACTIONS:
    CASES[name] = lambda n: paper(n, zlib.crc32(n.encode()), shapes.field, lambda w, b: fields.model(w, b, n))
for name in fields.LOSSES:
    CASES[name] = lambda n: paper(n, zlib.crc32(n.encode()), shapes.loss, lambda w, b: fields.loss(w, b, n))
for name in sequences.MODELS:
    CASES[name] = lambda n: paper(n, zlib.crc32(n.encode()), shapes.sequence, sequences.MODELS[n])

if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    for case in sys.argv[1:] or CASES:
        CASES[case](case)
