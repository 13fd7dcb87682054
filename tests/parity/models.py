"""DIN, the base model and DeepFM over one batch. Each gives its named values, `logit` among them."""

import torch

import layers
import ragged
from layers import linear, mlp


def lookup(w, table, ids):
    return w["table." + table][ids]


def bag(w, table, ids, offsets):
    """A several-valued feature: the mean of its rows."""
    return ragged.mean(lookup(w, table, ids), offsets)


def items(w, b, prefix=""):
    """The group `item` of the sample (or of each event): its movie, then the mean of its genres."""
    movie = lookup(w, "movie", b[prefix + "movie"])
    genres = bag(w, "genres", b[prefix + "genres"], b[f"offsets.{prefix}genres"])
    return torch.cat([movie, genres], 1)


def unit_score(w, query, key, activation):
    """DIN's activation unit: an MLP over `[q, k, q - k, q * k]`, rows of query and key already paired."""
    x = torch.cat([query, key, query - key, query * key], 1)
    return linear(w, "interest.out", mlp(w, "interest.hidden", x, activation))


def din(w, b, weights="raw", unit="dice", top="dice"):
    """Zhou et al. 2018. `raw` weights are equation 3; the other two are variants of published code."""
    offsets = b["offsets.history"]
    item, key = items(w, b), items(w, b, "history.")
    score = unit_score(w, item[ragged.owner(offsets)], key, unit)
    if weights == "raw":
        weight = score
    elif weights == "softmax":
        weight = ragged.softmax(score, offsets)
    else:
        weight = ragged.softmax(score / key.shape[1] ** 0.5, offsets)
    interest = ragged.total(weight * key, offsets)
    hidden = mlp(w, "logit.mlp", torch.cat([item, interest, item * interest], 1), top)
    logit = linear(w, "logit.linear", hidden)
    return {"item": item, "interest.score": score, "interest.weight": weight, "interest": interest, "logit": logit}


def base(w, b, top="relu"):
    """The base model of the DIN paper, with DIN's top: the history is pooled by mean."""
    item = items(w, b)
    interest = ragged.mean(items(w, b, "history."), b["offsets.history"])
    logit = linear(w, "logit.linear", mlp(w, "logit.mlp", torch.cat([item, interest, item * interest], 1), top))
    return {"item": item, "interest": interest, "logit": logit}


def deepfm(w, b, top="relu"):
    """Guo et al. 2017 over three fields of one width: movie, genres, and the mean of the history's movies. The linear part is the movie's alone."""
    interest = ragged.mean(lookup(w, "movie", b["history.movie"]), b["offsets.history"])
    fields = [lookup(w, "movie", b["movie"]), bag(w, "genres", b["genres"], b["offsets.genres"]), interest]
    total = sum(fields)
    pairs = 0.5 * (total * total - sum(f * f for f in fields)).sum(1, keepdim=True)
    deep = linear(w, "deep.linear", mlp(w, "deep.mlp", torch.cat(fields, 1), top))
    wide = lookup(w, "wide", b["movie"])
    return {"interest": interest, "wide": wide, "pairs": pairs, "deep": deep, "logit": wide + pairs + deep}


def din_padded(w, b, weights="raw", unit="dice", top="dice"):
    """DIN again the way it is usually coded, padded and masked: held equal to `din` before a fixture is written."""
    offsets = b["offsets.history"]
    counts = offsets[1:] - offsets[:-1]
    item, events = items(w, b), items(w, b, "history.")
    real = torch.arange(int(counts.max()))[None, :] < counts[:, None]
    key = torch.zeros(*real.shape, item.shape[1], dtype=item.dtype)
    key[real] = events
    query = item[:, None, :].expand_as(key)
    score = torch.zeros(*real.shape, dtype=item.dtype)
    # Statistics count real rows only, so the unit sees only these.
    score[real] = unit_score(w, query[real], key[real], unit)[:, 0]
    if weights != "raw":
        scale = 1.0 if weights == "softmax" else key.shape[2] ** 0.5
        score = torch.softmax((score / scale).masked_fill(~real, -torch.inf), 1)
        score = torch.nan_to_num(score)
    interest = torch.einsum("bt,btd->bd", score * real, key)
    hidden = mlp(w, "logit.mlp", torch.cat([item, interest, item * interest], 1), top)
    return linear(w, "logit.linear", hidden)


def loss(w, b, model, **options):
    values = model(w, b, **options)
    values["ctr"] = torch.sigmoid(values["logit"])
    return values, layers.bce(values["logit"], b["liked"])
