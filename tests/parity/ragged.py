"""Reductions over a ragged axis: rows stand one below the other, `offsets` says where the elements of each parent begin."""

import torch


def owner(offsets):
    """The parent row of every element."""
    counts = offsets[1:] - offsets[:-1]
    return torch.repeat_interleave(torch.arange(len(counts)), counts)


def total(x, offsets):
    """Sum over the axis; of no elements, zero."""
    out = torch.zeros(len(offsets) - 1, x.shape[1], dtype=x.dtype)
    return out.index_add(0, owner(offsets), x)


def mean(x, offsets):
    """Mean over the axis; of no elements, zero."""
    counts = (offsets[1:] - offsets[:-1]).clamp(min=1).to(x.dtype)
    return total(x, offsets) / counts[:, None]


def softmax(x, offsets):
    """Softmax over the axis, of a column."""
    rows = owner(offsets)
    top = torch.full((len(offsets) - 1, 1), -torch.inf, dtype=x.dtype)
    top = top.scatter_reduce(0, rows[:, None], x.detach(), "amax")
    e = torch.exp(x - top[rows])
    return e / total(e, offsets)[rows]
