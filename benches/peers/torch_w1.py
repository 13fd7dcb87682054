"""W1 in PyTorch, as a practised user writes it: padded, masked, eager. A child process that speaks the protocol of README.md.

`torch_w1.py dense|sparse THREADS`: Adam over the whole tables, or SparseAdam over the rows of the batch.
"""

import sys
import time

import safetensors.torch
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode


class Dice(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width, eps=1e-8, affine=False)
        self.alpha = nn.Parameter(torch.zeros(width))

    def forward(self, x):
        p = torch.sigmoid(self.norm(x))
        return x * (p + self.alpha * (1 - p))


class ActivationUnit(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.hidden = nn.ModuleList([nn.Linear(4 * width, 80), nn.Linear(80, 40)])
        self.out = nn.Linear(40, 1)

    def forward(self, query, keys):
        q = query.unsqueeze(1).expand_as(keys)
        x = torch.cat([q, keys, q - keys, q * keys], -1)
        for layer in self.hidden:
            x = torch.sigmoid(layer(x))
        return self.out(x).squeeze(-1)


class Din(nn.Module):
    def __init__(self, items, kinds, dim=16, sparse=False):
        super().__init__()
        self.item = nn.Embedding(items, dim, sparse=sparse)
        self.kind = nn.Embedding(kinds, dim, sparse=sparse)
        self.unit = ActivationUnit(2 * dim)
        self.layers = nn.ModuleList([nn.Linear(6 * dim, 200), nn.Linear(200, 80)])
        self.dice = nn.ModuleList([Dice(200), Dice(80)])
        self.last = nn.Linear(80, 1)

    def ad(self, item, kind):
        return torch.cat([self.item(item), self.kind(kind)], -1)

    def forward(self, b):
        keys = self.ad(b["history.item"], b["history.kind"])
        query = self.ad(b["item"], b["kind"])
        weight = self.unit(query, keys) * b["mask"]
        interest = torch.bmm(weight.unsqueeze(1), keys).squeeze(1)
        x = torch.cat([query, interest, query * interest], -1)
        for layer, dice in zip(self.layers, self.dice):
            x = dice(layer(x))
        return self.last(x).squeeze(-1)


# Our parameter: (the path in specrec, whether PyTorch holds it transposed).
NAMES = {
    "item.weight": ("item", False),
    "kind.weight": ("kind", False),
    "unit.hidden.0.weight": ("interest.hidden.0.w", True),
    "unit.hidden.0.bias": ("interest.hidden.0.b", False),
    "unit.hidden.1.weight": ("interest.hidden.1.w", True),
    "unit.hidden.1.bias": ("interest.hidden.1.b", False),
    "unit.out.weight": ("interest.out.w", True),
    "unit.out.bias": ("interest.out.b", False),
    "layers.0.weight": ("logit.mlp.0.w", True),
    "layers.0.bias": ("logit.mlp.0.b", False),
    "dice.0.alpha": ("logit.mlp.0.alpha", False),
    "layers.1.weight": ("logit.mlp.1.w", True),
    "layers.1.bias": ("logit.mlp.1.b", False),
    "dice.1.alpha": ("logit.mlp.1.alpha", False),
    "last.weight": ("logit.linear.w", True),
    "last.bias": ("logit.linear.b", False),
}


def read_batch(path):
    """Rows with offsets become padded rectangles with a mask, as PyTorch needs them."""
    raw = safetensors.torch.load_file(path)
    b = {k.removeprefix("batch/"): v for k, v in raw.items()}
    offsets = b.pop("offsets.history").long()
    counts = offsets[1:] - offsets[:-1]
    mask = torch.arange(int(counts.max()))[None, :] < counts[:, None]
    out = {k: b[k].long() for k in ("item", "kind")} | {"label": b["clicked"].flatten(), "mask": mask.float()}
    for k in ("history.item", "history.kind"):
        out[k] = torch.zeros(mask.shape, dtype=torch.long)
        out[k][mask] = b[k].long()
    return out


class Session:
    def __init__(self, kind):
        self.sparse = kind == "sparse"
        self.steps = 0

    def load(self, weights, *batches):
        given = safetensors.torch.load_file(weights)
        given = {k.removeprefix("weight/"): v for k, v in given.items()}
        self.model = Din(given["item"].shape[0], given["kind"].shape[0], sparse=self.sparse)
        with torch.no_grad():
            for name, p in self.model.named_parameters():
                path, transposed = NAMES[name]
                p.copy_(given.pop(path).t() if transposed else given.pop(path))
        assert not given, f"weights without a place: {sorted(given)}"
        self.batches = [read_batch(b) for b in batches]
        tables = [self.model.item.weight, self.model.kind.weight] if self.sparse else []
        rest = [p for p in self.model.parameters() if not any(p is t for t in tables)]
        self.optimizers = [torch.optim.Adam(rest, lr=1e-3, fused=True)]
        if tables:
            self.optimizers.append(torch.optim.SparseAdam(tables, lr=1e-3))

    def loss(self, batch):
        return F.binary_cross_entropy_with_logits(self.model(batch), batch["label"])

    def backward(self, batch):
        for o in self.optimizers:
            o.zero_grad(set_to_none=True)
        loss = self.loss(batch)
        loss.backward()
        return loss

    def grads(self, out):
        self.model.train()
        loss = self.backward(self.batches[0])
        values = {"loss": loss.detach().reshape(1)}
        for name, p in self.model.named_parameters():
            path, transposed = NAMES[name]
            g = p.grad.to_dense() if p.grad.is_sparse else p.grad
            values[f"grad/{path}"] = (g.t() if transposed else g).contiguous()
        safetensors.torch.save_file(values, out)

    def count(self):
        with FlopCounterMode(display=False) as counter:
            self.backward(self.batches[0])
        parameters = sum(p.numel() for p in self.model.parameters())
        return f"{parameters} {counter.get_total_flops()}"

    def time(self, n):
        self.model.train()
        return self.clock(n, self.train_step)

    def train_step(self, batch):
        self.backward(batch)
        for o in self.optimizers:
            o.step()

    def infer(self, n):
        self.model.eval()
        with torch.inference_mode():
            return self.clock(n, lambda batch: torch.sigmoid(self.model(batch)))

    def clock(self, n, step):
        out = []
        for _ in range(int(n)):
            start = time.perf_counter()
            step(self.batches[self.steps % len(self.batches)])
            out.append(f"{(time.perf_counter() - start) * 1e3:.4f}")
            self.steps += 1
        return " ".join(out)


def main():
    kind, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    session = Session(kind)
    for line in sys.stdin:
        verb, *arguments = line.split()
        answer = getattr(session, verb)(*arguments)
        print("ok" if answer is None else f"ok {answer}", flush=True)


if __name__ == "__main__":
    main()
