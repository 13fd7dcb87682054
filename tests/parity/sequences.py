"""Transformers over a sequence: BST, SASRec, BERT4Rec, PRM. One sample at a time, as in `interests`."""

import torch

import fields
import layers
from interests import attend, rows
from layers import linear
from models import items, lookup


def layer_norm(w, path, x):
    """Ba et al. 2016, over the width; biased variance, eps 1e-5."""
    mean = x.mean(-1, keepdim=True)
    var = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / torch.sqrt(var + 1e-5) * w[path + ".layer_norm.scale"] + w[path + ".layer_norm.shift"]


def feed_forward(w, path, x, activation):
    return linear(w, path + ".fed.linear", activation(linear(w, path + ".fed.mlp.0", x)))


def post_norm(w, path, x, heads, activation):
    """Vaswani et al. 2017: `LN(x + part(x))` for both parts. BST's equations 4 and 5, BERT4Rec's 4 to 6, PRM's 6 and 7."""
    s = layer_norm(w, path + ".middle", x + attend(w, path + ".attended", x, x, heads))
    return layer_norm(w, path, s + feed_forward(w, path, s, activation))


def pre_norm(w, path, x, heads, activation):
    """Kang and McAuley 2018, section 3.2: `x + part(LN(x))`, here with a causal attention."""
    n = layer_norm(w, path + ".within", x)
    x = x + attend(w, path + ".attended", n, n, heads, causal=True)
    return x + feed_forward(w, path, layer_norm(w, path + ".inner", x), activation)


def leaky_relu(x):
    return torch.where(x > 0, x, 0.01 * x)


def gelu(x):
    """The exact one: `x Phi(x)`."""
    return 0.5 * x * (1 + torch.erf(x / 2**0.5))


def newest_first(w, n):
    """The learned positions of a sequence of `n`, of which the first row belongs to the newest."""
    return w["steps.positions"][:n].flip(0)


def waves(n, d):
    """Vaswani et al. 2017, section 3.5, of the places of a sequence of `n`, the newest 0: `sin` at even columns, `cos` at odd ones."""
    place = torch.arange(n - 1, -1, -1, dtype=torch.float64)[:, None]
    angle = place / 10000 ** (2 * (torch.arange(d) // 2) / d)
    return torch.where(torch.arange(d) % 2 == 0, torch.sin(angle), torch.cos(angle))


def bst(w, b, readout="last", position="ago"):
    """Chen et al. 2019: the candidate is the last step; each step's time difference is embedded and set beside it. Or its place is added."""
    if position != "ago":
        return bst_placed(w, b, position)
    past = torch.cat([items(w, b, "history."), lookup(w, "ago", b["history.ago"])], 1)
    item = items(w, b)
    target = torch.cat([item, lookup(w, "ago", b["ago"])], 1)
    interest = []
    for x, q in zip(rows(past, b["offsets.history"]), target):
        y = post_norm(w, "encoded.stack.0", torch.cat([x, q[None]]), 2, leaky_relu)
        interest.append({"last": y[-1], "mean": y.mean(0), "sum": y.sum(0), "flatten": torch.cat([y.new_zeros(9 - len(y), y.shape[1]), y]).flatten()}[readout])
    hidden = leaky_relu(linear(w, "logit.mlp.0", torch.cat([item, torch.stack(interest)], 1)))
    logit = linear(w, "logit.linear", hidden)
    return {"ctr": torch.sigmoid(logit)}, {"click": layers.bce(logit, b["liked"])}


def bst_placed(w, b, position):
    """Positions as in a transformer: learned, of sines, or none."""
    past, item = items(w, b, "history."), items(w, b)
    interest = []
    for x, q in zip(rows(past, b["offsets.history"]), item):
        x = torch.cat([x, q[None]])
        if position == "index":
            x = x + w["placed.positions"][: len(x)].flip(0)
        if position == "sinusoid":
            x = x + waves(*x.shape).to(x.dtype)
        interest.append(post_norm(w, "encoded.stack.0", x, 2, leaky_relu)[-1])
    logit = linear(w, "logit.linear", torch.cat([item, torch.stack(interest)], 1))
    return {"ctr": torch.sigmoid(logit)}, {"click": layers.bce(logit, b["liked"])}


def cross_entropy(w, hidden, target, bias):
    """Of all items but row 0, which is none; a target that is none does not count."""
    known = target > 0
    scores = hidden[known] @ w["table.movie"][1:].T
    if bias:
        scores = scores + w["movie.bias"][1:, 0]
    return torch.nn.functional.cross_entropy(scores, target[known] - 1)


def sasrec(w, b, loss="all"):
    """Kang and McAuley 2018, with a softmax over all items: each step tells the next one, the last the target. Positions count from the newest, and lookups are scaled as in the published code. Or
    gSASRec's loss (Petrov and Macdonald 2023): each step against two drawn items."""
    hidden, target, newest = [], [], []
    for ids, wanted in zip(rows(b["history.movie"], b["offsets.history"]), b["movie"]):
        x = lookup(w, "movie", ids)
        x = x * x.shape[1] ** 0.5 + newest_first(w, len(ids))
        for layer in range(2):
            x = pre_norm(w, f"encoded.stack.{layer}", x, 1, torch.relu)
        x = layer_norm(w, "encoded", x)
        hidden.append(x)
        target.append(torch.cat([ids[1:], wanted[None]])[: len(ids)])
        newest.append(x[-1] if len(ids) else torch.zeros_like(w["table.movie"][0]))
    hidden, target, values = torch.cat(hidden), torch.cat(target), best(w, b, torch.stack(newest))
    if loss == "all":
        return values, {"next": cross_entropy(w, hidden, target, bias=False)}
    score = (hidden * lookup(w, "movie", target)).sum(1, keepdim=True)
    others = (hidden[:, None] * lookup(w, "movie", b["unseen.movie"]).unflatten(0, (len(hidden), 2))).sum(2)
    return values, {"next": fields.gbce(score, others, None, None).mean()}


def best(w, b, newest, k=10):
    """The ten best items but those of the history, as scores."""
    scores = (newest @ w["table.movie"].T).detach()
    scores[:, 0] = -torch.inf
    for row, ids in zip(scores, rows(b["history.movie"], b["offsets.history"])):
        row[ids] = -torch.inf
    return {"next.scores": scores.topk(k, 1).values.reshape(-1, 1)}


def bert4rec(w, b, code=False):
    """Sun et al. 2019: `shown` is what is left of the ids, 0 where one is hidden; equation 7 at the hidden ones. The authors' code normalises behind the
    GELU."""
    hidden, target = [], []
    for ids, shown in zip(rows(b["history.movie"], b["offsets.history"]), rows(b["history.shown"], b["offsets.history"])):
        x = lookup(w, "movie", shown) + newest_first(w, len(ids))
        for layer in range(2):
            x = post_norm(w, f"encoded.stack.{layer}", x, 2, gelu)
        hidden.append(x[ids != shown])
        target.append(ids[ids != shown])
    hidden = gelu(linear(w, "hidden.linear", torch.cat(hidden)))
    hidden = layer_norm(w, "hidden", hidden) if code else hidden
    return {}, {"cloze": cross_entropy(w, hidden, torch.cat(target), bias=True)}


def prm(w, b):
    """Pei et al. 2019, equations 4 to 8 and 11: positions from the head of the list are added to the items, then a layer, blocks, a softmax over the list.
    A list without a click adds nothing."""
    each, shares = [], []
    slates, clicks = (rows(x, b["offsets.slate"]) for x in (items(w, b, "slate."), b["slate.liked"]))
    for x, y in zip(slates, clicks):
        x = linear(w, "encoded.linear", x + w["x.positions"][: len(x)])
        for layer in range(2):
            x = post_norm(w, f"encoded.stack.{layer}", x, 2, torch.relu)
        share = torch.log_softmax(linear(w, "score.linear", x), 0)
        if y.sum() > 0:
            each.append(-(y * share).sum())
    return {}, {"list": torch.stack(each).mean()}


MODELS = {
    "bst_last": lambda w, b: bst(w, b, "last"),
    "bst_mean": lambda w, b: bst(w, b, "mean"),
    "bst_sum": lambda w, b: bst(w, b, "sum"),
    "bst_flatten": lambda w, b: bst(w, b, "flatten"),
    "bst_index": lambda w, b: bst(w, b, position="index"),
    "bst_sinusoid": lambda w, b: bst(w, b, position="sinusoid"),
    "bst_none": lambda w, b: bst(w, b, position="none"),
    "sasrec": sasrec,
    "sasrec_gbce": lambda w, b: sasrec(w, b, "gbce"),
    "bert4rec": bert4rec,
    "bert4rec_code": lambda w, b: bert4rec(w, b, code=True),
    "prm": prm,
}
