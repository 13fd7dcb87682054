"""The layers of the fixtures, from the equations of the papers. Linear weights are [in, out]: y = x W + b."""

import torch

EPSILON = 1e-8


class Weights:
    """Weights by path. In training, Dice normalises by its batch and notes the statistics it saw; in evaluation it reads `running`."""

    def __init__(self, values, running=None):
        self.values = values
        self.running = running
        self.seen = {}

    def __getitem__(self, path):
        return self.values[path]


def linear(w, path, x):
    """`x W + b`, or `x W` where there is no `b`."""
    y = x @ w[path + ".w"]
    return y + w[path + ".b"] if path + ".b" in w.values else y


def dice(w, path, s):
    """Zhou et al. 2018, equation 9: `p s + (1 - p) alpha s`, `p = sigmoid((s - E[s]) / sqrt(Var[s] + 1e-8))`; biased variance, over the rows."""
    if w.running is not None:
        mean, var = w.running[path + ".mean"], w.running[path + ".var"]
    elif len(s) == 0:
        return s
    else:
        mean = s.mean(0)
        var = ((s - mean) ** 2).mean(0)
        w.seen[path + ".mean"], w.seen[path + ".var"] = mean.detach(), var.detach()
    p = torch.sigmoid((s - mean) / torch.sqrt(var + EPSILON))
    return p * s + (1 - p) * w[path + ".alpha"] * s


def prelu(w, path, s):
    """Equation 8: `s` where it is positive, else `alpha s`; an alpha per unit."""
    return torch.where(s > 0, s, w[path + ".alpha"] * s)


ACTIVATIONS = {
    "dice": dice,
    "prelu": prelu,
    "relu": lambda w, path, s: torch.relu(s),
    "sigmoid": lambda w, path, s: torch.sigmoid(s),
}


def mlp(w, path, x, activation):
    """A linear layer and an activation for each `path.N`."""
    layer = 0
    while f"{path}.{layer}.w" in w.values:
        x = ACTIVATIONS[activation](w, f"{path}.{layer}", linear(w, f"{path}.{layer}", x))
        layer += 1
    return x


def bce(logit, label):
    """Mean binary cross-entropy of a logit, written out: `log(1 + e^z) - y z`."""
    return (torch.nn.functional.softplus(logit, threshold=1e6) - label * logit).mean()
