"""A workload in PyTorch: a child process that speaks the protocol of README.md.

`torch_side.py w1|w2|w3|w4|w5 dense|sparse THREADS [eager|compile]`: Adam over the whole tables, or SparseAdam over the rows of the batch; eager, or by torch.compile.
"""

import sys
import time

import safetensors.torch
import torch
from torch.utils.flop_counter import FlopCounterMode

from works import WORKS, laid_out


def read_batch(work, path):
    raw = safetensors.torch.load_file(path)
    return work.batch({k.removeprefix("batch/"): v for k, v in raw.items()})


class Session:
    def __init__(self, work, kind, mode):
        self.work, self.sparse, self.mode = WORKS[work], kind == "sparse", mode
        self.steps = 0

    def load(self, weights, *batches):
        given = safetensors.torch.load_file(weights)
        given = {k.removeprefix("weight/"): v for k, v in given.items()}
        self.model = self.work(given, self.sparse)
        with torch.no_grad():
            for name, p in self.model.named_parameters():
                path, layout = self.work.NAMES[name]
                p.copy_(laid_out(given.pop(path), layout).reshape(p.shape))
        assert not given, f"weights without a place: {sorted(given)}"
        self.batches = [read_batch(self.work, b) for b in batches]
        tables = self.model.tables() if self.sparse else []
        rest = [p for p in self.model.parameters() if not any(p is t for t in tables)]
        self.optimizers = [torch.optim.Adam(rest, lr=1e-3, fused=True)]
        if tables:
            self.optimizers.append(torch.optim.SparseAdam(tables, lr=1e-3))
        self.loss, self.predict, self.answer = self.model.loss, self.model.predict, getattr(self.model, "request", None)
        if self.mode == "compile":
            self.loss, self.predict = torch.compile(self.loss), torch.compile(self.predict)
            # One graph for each number of candidates: the quickest that it makes.
            self.answer = torch.compile(self.answer, dynamic=False) if self.answer else None

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
            path, layout = self.work.NAMES[name]
            g = p.grad.to_dense() if p.grad.is_sparse else p.grad
            values[f"grad/{path}"] = laid_out(g, layout).contiguous()
        safetensors.torch.save_file(values, out)

    def count(self):
        with FlopCounterMode(display=False) as counter:
            loss = self.model.loss(self.batches[0])
            loss.backward()
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
        # A compiled graph is specialised on inference mode in some versions; no_grad costs it nothing.
        with torch.no_grad() if self.mode == "compile" else torch.inference_mode():
            return self.clock(n, self.predict)

    def request_of(self, user, candidates):
        """What a sample of the first batch has, and as candidates the items of all its samples, round and round."""
        batch = self.batches[0]
        samples = len(batch["item"])
        user, items = user % samples, torch.arange(int(candidates)) % samples
        real = batch["mask"][user][: batch["history.item"].shape[1]]
        history = {k: v[user : user + 1, real] for k, v in batch.items() if k.startswith("history.")}
        return history | {k: batch[k][items] for k in ("item", "kind") if k in batch}

    def answered(self):
        self.model.eval()
        return torch.no_grad() if self.mode == "compile" else torch.inference_mode()

    def request(self, n, candidates, form):
        out = []
        with self.answered():
            for user in range(int(n)):
                batch = self.request_of(user, candidates)
                start = time.perf_counter()
                self.answer(batch, form)
                out.append(f"{(time.perf_counter() - start) * 1e3:.4f}")
        return " ".join(out)

    def scores(self, out, candidates, form):
        with self.answered():
            scores = self.answer(self.request_of(0, candidates), form)
        safetensors.torch.save_file({"scores": scores.clone().reshape(1, -1)}, out)

    def clock(self, n, step):
        out = []
        for _ in range(int(n)):
            start = time.perf_counter()
            step(self.batches[self.steps % len(self.batches)])
            out.append(f"{(time.perf_counter() - start) * 1e3:.4f}")
            self.steps += 1
        return " ".join(out)


def main():
    work, kind, threads, *mode = sys.argv[1:]
    torch.set_num_threads(int(threads))
    session = Session(work, kind, mode[0] if mode else "eager")
    for line in sys.stdin:
        verb, *arguments = line.split()
        answer = getattr(session, verb)(*arguments)
        print("ok" if answer is None else f"ok {answer}", flush=True)


if __name__ == "__main__":
    main()
