"""Interactions of feature fields, and losses against drawn items, from the papers. Pairs are written out as loops over fields."""

import torch

import layers
import ragged
from layers import linear
from models import bag, items, lookup


def stack(w, b):
    """Four fields of one width: the movie, its genres, and the mean of both over the history. `[B, 4, d]`"""
    movie, genres = lookup(w, "movie", b["movie"]), bag(w, "genres", b["genres"], b["offsets.genres"])
    past = lookup(w, "movie", b["history.movie"])
    kinds = bag(w, "genres", b["history.genres"], b["offsets.history.genres"])
    means = [ragged.mean(x, b["offsets.history"]) for x in (past, kinds)]
    return torch.stack([movie, genres, *means], 1)


def pairs(f):
    """Every two fields, the first before the second."""
    return [(f[:, i], f[:, j]) for i in range(f.shape[1]) for j in range(i + 1, f.shape[1])]


def cross_network(w, b):
    """Wang et al. 2021, equation 1, twice."""
    x0 = torch.cat([items(w, b), ragged.mean(items(w, b, "history."), b["offsets.history"])], 1)
    x = x0
    for layer in range(2):
        x = x0 * linear(w, f"logit.{layer}.linear", x) + x
    return linear(w, "logit.linear", x)


def cin(w, b, maps=3):
    """Lian et al. 2018, equations 6 to 8."""
    f = stack(w, b)
    n = f.shape[1]
    w1 = w["logit.first_weight"].reshape(n, n, maps)
    w2 = w["logit.second_weight"].reshape(n, maps, maps)
    x1 = [sum(w1[i, j, h] * f[:, i] * f[:, j] for i in range(n) for j in range(n)) for h in range(maps)]
    x2 = [sum(w2[j, i, h] * x1[i] * f[:, j] for i in range(maps) for j in range(n)) for h in range(maps)]
    return linear(w, "logit.linear", torch.stack([x.sum(1) for x in x1 + x2], 1))


def autoint(w, b, heads=2):
    """Song et al. 2019, equations 5 to 8: products are not scaled."""
    f = stack(w, b)
    split = lambda path: linear(w, path, f).unflatten(2, (heads, -1)).transpose(1, 2)
    q, k, v = (split(f"logit.{name}.linear") for name in ("query", "key", "value"))
    heads = torch.softmax(q @ k.transpose(2, 3), 3) @ v
    out = torch.relu(heads.transpose(1, 2).flatten(2) + linear(w, "logit.linear", f))
    return linear(w, "logit.linear.2", out.flatten(1))


def senet(w, b):
    """Huang et al. 2019, equations 2 to 4 (the last activation a sigmoid, as in Hu et al. 2018), then the sum of the products of pairs."""
    f = stack(w, b)
    z = f.mean(2)
    a = torch.sigmoid(torch.relu(z @ w["logit.excited.linear.w"]) @ w["logit.excited.linear.2.w"])
    return linear(w, "logit.linear", sum(x * y for x, y in pairs(f * a[:, :, None])))


def interhat(w, b):
    """Li et al. 2020, equations 6 to 8."""
    f = stack(w, b)
    x, summed = f, []
    for order in ("first", "second", "third"):
        score = torch.tanh(linear(w, f"logit.{order}.score.linear", x)) @ w[f"logit.{order}.score.linear.2.w"]
        summed.append((torch.softmax(score, 1) * x).sum(1))
        x = summed[-1][:, None] * f + x
    return linear(w, "logit.linear", torch.cat(summed, 1))


def machine(w, b, kind):
    """Rendle 2010, equation 1; He and Chua 2017, equations 3 to 6; Xiao et al. 2017, equations 4 to 6. A history counts by its mean, genres by their sum."""
    genres = lambda table, prefix: ragged.total(lookup(w, table, b[prefix + "genres"]), b[f"offsets.{prefix}genres"])
    interest = ragged.mean(lookup(w, "movie", b["history.movie"]) + genres("genres", "history."), b["offsets.history"])
    wide = w["bias"] + lookup(w, "movie", b["movie"]) + genres("genres", "") + interest
    taste = ragged.mean(lookup(w, "movie_vector", b["history.movie"]), b["offsets.history"])
    fields = torch.stack([lookup(w, "movie_vector", b["movie"]), genres("genres_vector", ""), taste], 1)
    products = torch.stack([x * y for x, y in pairs(fields)], 1)
    if kind == "fm":
        return wide + products.sum((1, 2))[:, None]
    if kind == "nfm":
        return wide + linear(w, "logit.linear", torch.relu(linear(w, "logit.mlp.0", products.sum(1))))
    score = torch.relu(linear(w, "pairs.score.linear", products)) @ w["pairs.score.linear.2.w"]
    return wide + (torch.softmax(score, 1) * products).sum(1) @ w["logit.linear.w"]


def model(w, b, interaction):
    logit = INTERACTIONS[interaction](w, b)
    return {"ctr": torch.sigmoid(logit)}, {"click": layers.bce(logit, b["liked"])}


INTERACTIONS = {
    "cross_network": cross_network,
    "cin": cin,
    "autoint": autoint,
    "senet": senet,
    "interhat": interhat,
    "fm": lambda w, b: machine(w, b, "fm"),
    "nfm": lambda w, b: machine(w, b, "nfm"),
    "afm": lambda w, b: machine(w, b, "afm"),
}


def sampled_softmax(score, others, log_q, label):
    """Bengio and Senecal 2008: the softmax over the target and what was drawn, each score less the logarithm of its chance. The target's is -2.5."""
    all = torch.cat([score + 2.5, others - log_q], 1)
    return -torch.log_softmax(all, 1)[:, :1]


def gbce(score, others, log_q, label, items=60, t=0.75):
    """Petrov and Macdonald 2023: the positive's probability to the power beta; the mean over the positive and the negatives."""
    n = others.shape[1]
    alpha = n / (items - 1)
    beta = alpha * (t * (1 - 1 / alpha) + 1 / alpha)
    positive, negative = torch.sigmoid(score) ** beta, torch.sigmoid(others)
    return -(torch.log(positive) + torch.log(1 - negative).sum(1, keepdim=True)) / (n + 1)


def bpr(score, others, log_q, label):
    """Rendle et al. 2009: `-log sigmoid(positive - negative)`, the mean over negatives."""
    return -torch.log(torch.sigmoid(score - others)).mean(1, keepdim=True)


def focal(score, others, log_q, label, gamma=1.5, alpha=0.3):
    """Lin et al. 2017, equation 5."""
    p = torch.sigmoid(score)
    pt, at = torch.where(label > 0, p, 1 - p), torch.where(label > 0, alpha, 1 - alpha)
    return -at * (1 - pt) ** gamma * torch.log(pt)


def in_batch(score, others, log_q, label):
    """Each target against those of the other samples: `others` are the scores of all pairs, the own one among them."""
    return torch.logsumexp(others, 1, keepdim=True) - score


LOSSES = {"sampled_softmax": sampled_softmax, "gbce": gbce, "bpr": bpr, "focal": focal, "in_batch": in_batch}


def loss(w, b, kind):
    """Scores are products of the mean of the history with the item and with three drawn ones."""
    item, interest = items(w, b), ragged.mean(items(w, b, "history."), b["offsets.history"])
    unseen = items(w, b, "unseen.").unflatten(0, (len(item), -1))
    score = (interest * item).sum(1, keepdim=True)
    others = interest @ item.T if kind == "in_batch" else (interest[:, None] * unseen).sum(2)
    log_q = b["unseen.log_q"].reshape(len(item), -1)
    each = LOSSES[kind](score, others, log_q, b["liked"])
    return {"ctr": torch.sigmoid(score)}, {"click": each.mean()}
