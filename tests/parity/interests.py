"""What a user is interested in, by the recurrences and attentions of the papers, one sample at a time.

Each function takes the weights, the path of the call that holds them, the candidate `q [d]` and the past events `x [n, d]`, oldest first, and gives
the interest: no padding, no mask, loops where the paper has a recurrence.
"""

import torch

import layers
from layers import linear
from models import items


def rows(x, offsets):
    """The rows of each parent."""
    return [x[a:b] for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist())]


def gates(w, inputs, states, x, h):
    """Zhou et al. 2019, equations 2 to 4: update gate, reset gate, candidate; the reset is applied after `U h`. Columns of the weights are in this order."""
    n = len(h)
    wu, wr, wc = w[inputs + ".w"].split(n, 1)
    bu, br, bc = w[inputs + ".b"].split(n)
    uu, ur, uc = w[states + ".w"].split(n, 1)
    u = torch.sigmoid(x @ wu + h @ uu + bu)
    r = torch.sigmoid(x @ wr + h @ ur + br)
    return u, torch.tanh(x @ wc + r * (h @ uc) + bc)


def gru(w, inputs, states, x):
    """The state after each event, equation 5."""
    h = torch.zeros(w[states + ".w"].shape[0], dtype=x.dtype)
    out = []
    for event in x:
        u, c = gates(w, inputs, states, event, h)
        h = (1 - u) * h + u * c
        out.append(h)
    return torch.stack(out) if out else x.new_zeros(0, len(h))


def augru(w, inputs, states, x, a, official):
    """Equations 11 and 12; or the authors' code, where `u` is the gate that keeps."""
    h = torch.zeros(w[states + ".w"].shape[0], dtype=x.dtype)
    for event, weight in zip(x, a):
        u, c = gates(w, inputs, states, event, h)
        if official:
            u = (1 - weight) * u
            h = u * h + (1 - u) * c
        else:
            u = weight * u
            h = (1 - u) * h + u * c
    return h


def agru(w, inputs, states, x, a):
    """Equation 10: the weight in the place of the update gate."""
    n = w[states + ".w"].shape[0]
    wr, wc = w[inputs + ".w"].split(n, 1)
    br, bc = w[inputs + ".b"].split(n)
    ur, uc = w[states + ".w"].split(n, 1)
    h = torch.zeros(n, dtype=x.dtype)
    for event, weight in zip(x, a):
        r = torch.sigmoid(event @ wr + h @ ur + br)
        h = (1 - weight) * h + weight * torch.tanh(event @ wc + r * (h @ uc) + bc)
    return h


def evolved(w, q, x, states, kind):
    """Equation 8, or DIN's unit with a softmax; then the recurrence that attention enters."""
    if kind == "unit":
        pair = torch.cat([q.expand_as(states), states, q - states, q * states], 1)
        score = linear(w, "unit.linear", torch.sigmoid(linear(w, "unit.mlp.0", pair)))[:, 0]
    else:
        score = linear(w, "weight.linear", states) @ q
    a = torch.softmax(score, 0)
    if kind == "aigru":
        scaled = a[:, None] * states
        h = gru(w, "interest.gru.linear", "interest.gru.gru_step.from_state.linear", scaled)
        return h[-1] if len(h) else states.new_zeros(states.shape[1])
    if kind == "agru":
        return agru(w, "interest.linear", "interest.agru_step.from_state.linear", states, a)
    return augru(w, "interest.inputs.linear", "interest.states.from_state.linear", states, a, kind == "official")


def attend(w, path, q, k, heads, causal=False, query="query", extra=None):
    """Vaswani et al. 2017: `softmax(Q K^T / sqrt(d)) V` per head, heads beside each other in the width. `extra [m, n]` is added to `Q K^T`."""
    split = lambda name, x: linear(w, f"{path}.{name}.linear", x).unflatten(1, (heads, -1)).transpose(0, 1)
    Q, K, V = split(query, q), split("key", k), split("value", k)
    score = Q @ K.transpose(1, 2)
    if extra is not None:
        score = score + extra
    score = score / K.shape[2] ** 0.5
    if causal:
        score = score.masked_fill(torch.ones(score.shape[1:]).triu(1).bool(), -torch.inf)
    return linear(w, path + ".linear", (torch.softmax(score, 2) @ V).transpose(0, 1).flatten(1))


def self_attention(w, q, x, heads, causal):
    y = attend(w, "interest", x, x, heads, causal)
    return y.mean(0) if len(y) else torch.zeros_like(q)


def cross_attention(w, q, x, heads):
    """Of no events the weighted sum is 0, and the last layer gives its bias."""
    if len(x) == 0:
        return linear(w, "interest.linear", torch.zeros_like(q))
    return attend(w, "interest", q[None], x, heads, query="queries")[0]


def co_attention(w, q, x, y):
    """Lu et al. 2016, section 3.3, parallel, with the columns of the paper as rows."""
    wx, wy = w["interest.of_x.linear.w"], w["interest.of_y.linear.w"]
    c = torch.tanh(x @ w["interest.affinity.linear.w"] @ y.T)
    hx = torch.tanh(x @ wx + c @ (y @ wy))
    hy = torch.tanh(y @ wy + c.T @ (x @ wx))
    ax = torch.softmax(hx @ w["interest.weight_x.linear.w"], 0)
    ay = torch.softmax(hy @ w["interest.weight_y.linear.w"], 0)
    return torch.cat([(ax * x).sum(0), (ay * y).sum(0)])


def pooled(w, path, x):
    """Yang et al. 2016, equations 5 to 7: `u = tanh(W h + b)`, weights by `u . u_w`."""
    u = torch.tanh(linear(w, path + ".score.linear", x))
    return (torch.softmax(u @ w[path + ".score.linear.2.w"], 0) * x).sum(0)


def hierarchical(w, q, visits):
    """Events in visits, then visits. A visit without events is a row of zeros."""
    each = [pooled(w, "interest.visit", x) for x in visits]
    return pooled(w, "interest.attention_pooling", torch.stack(each)) if each else torch.zeros_like(q)


def group(w, q, x):
    """Cao et al. 2018, equations 4 and 5."""
    o = torch.relu(linear(w, "interest.score.linear", x) + q @ w["interest.score.linear.2.w"]) @ w["interest.score.linear.3.w"]
    return (torch.softmax(o, 0) * x).sum(0)


def dynamic(w, q, x):
    """The query of each step is the state of a GRU, and it asks the steps up to its own; the state and the answer at the last step."""
    states = gru(w, "interest.states.linear", "interest.states.gru_step.from_state.linear", x)
    n = states.shape[1]
    if len(x) == 0:
        return x.new_zeros(n + x.shape[1])
    keys = linear(w, "interest.key.linear", x)
    out = None
    for t in range(len(x)):
        a = torch.softmax(keys[: t + 1] @ states[t] / n**0.5, 0)
        out = torch.cat([states[t], a @ x[: t + 1]])
    return out


def squash(x):
    """Sabour et al. 2017, equation 1; the small number keeps the direction of nothing defined."""
    square = (x * x).sum(-1, keepdim=True)
    return square / (1 + square) * x / torch.sqrt(square + 1e-9)


def routed(w, q, x, interests):
    """Cen et al. 2020, algorithm 1, three rounds with logits from 0; Li et al. 2019, equation 9: the candidate weighs by a power, 2."""
    votes = linear(w, "interest.vote.linear", x).unflatten(1, (interests, -1))
    logit = x.new_zeros(len(x), interests)
    for round in range(3):
        c = torch.softmax(logit, 1)
        v = squash((c[:, :, None] * votes).sum(0))
        logit = logit + (votes * v).sum(2)
    return torch.softmax((v @ q) ** 2, 0) @ v


def spatial(w, q, x):
    """Woo et al. 2018, equation 3, along one dimension: mean and maximum of the channels, a window of three, zeros beyond the ends."""
    if len(x) == 0:
        return torch.zeros_like(q)
    channels = torch.stack([x.mean(1), x.max(1).values])
    kernel = w["interest.linear.w"].reshape(3, 2).T[None]
    map = torch.nn.functional.conv1d(channels[None], kernel, w["interest.linear.b"], padding=1)[0, 0]
    return (x * torch.sigmoid(map)[:, None]).mean(0)


def interval(w, q, x, age, heads):
    """Luo et al. 2021: a number for the time between two events is added to `Q K^T`. Times in steps of powers of two, the last for all that are longer."""
    if len(x) == 0:
        return torch.zeros_like(q)
    steps = torch.log2(1 + (age - age.T).abs())
    assert ((steps - steps.round()).abs() > 1e-3).logical_or(steps == 0).all(), "an interval on an edge"
    table = w["interest.interval.embed"]
    extra = table[steps.floor().long().clamp(max=len(table) - 1), 0]
    return attend(w, "interest", x, x, heads, True, extra=extra)[-1]


def click_losses(w, b, history, states, network):
    """Zhou et al. 2019, equation 6, per sample and summed over the steps that have a next click; or the authors' network of state and click, whose batch
    norm sees the pairs of all events, and the mean over steps."""
    unseen = [x[:, None] for x in rows(items(w, b, "unseen."), b["offsets.unseen"])]
    unseen = [torch.cat(x) if x else None for x in rows_of(unseen, b["offsets.history"])]
    bce = torch.nn.functional.softplus
    if not network:
        each = []
        for h, e, no in zip(states, history, unseen):
            happened = (h[:-1] * e[1:]).sum(1)
            drawn = (h[:-1] * no[:-1, 0]).sum(1) if no is not None else happened
            each.append((bce(-happened, threshold=1e6) + bce(drawn, threshold=1e6)).sum())
        return torch.stack(each).mean()
    following = torch.cat([torch.cat([e[1:], torch.zeros_like(e[:1])]) for e in history])
    last = torch.cat([torch.arange(len(e)) == len(e) - 1 for e in history])
    h = torch.cat(states)
    drawn = torch.cat([x[:, 0] for x in unseen if x is not None])

    def logit(click):
        x = torch.cat([h, click], 1)
        x = (x - x.mean(0)) / torch.sqrt(x.var(0, unbiased=False) + 1e-5) * w["loss.aux.clicks.batch_norm.scale"] + w["loss.aux.clicks.batch_norm.shift"]
        x = torch.sigmoid(linear(w, "loss.aux.clicks.mlp.0", x))
        x = torch.sigmoid(linear(w, "loss.aux.clicks.mlp.1", x))
        return linear(w, "loss.aux.clicks.linear", x)[:, 0]

    each = bce(-logit(following), threshold=1e6) + bce(logit(drawn), threshold=1e6)
    return 0.5 * each[~last].mean()


def rows_of(list, offsets):
    return [list[a:b] for a, b in zip(offsets[:-1].tolist(), offsets[1:].tolist())]


def model(w, b, attention):
    """`logit = linear(concat(item, interest))`, the head of every fixture of this file."""
    item = items(w, b)
    history = rows(items(w, b, "history."), b["offsets.history"])
    losses = {}
    if attention.startswith("dien_"):
        states = [gru(w, "states.linear", "states.gru_step.from_state.linear", x) for x in history]
        kind = {"augru_official": "official", "network": "augru"}.get(attention[5:], attention[5:])
        interest = [evolved(w, q, x, s, kind) for q, x, s in zip(item, history, states)]
        losses["aux"] = click_losses(w, b, history, states, attention == "dien_network")
    elif attention == "hierarchical":
        interest = [hierarchical(w, q, visits) for q, visits in zip(item, rows_of(history, b["offsets.visit"]))]
    elif attention == "co_attention":
        other = rows(items(w, b, "disliked."), b["offsets.disliked"])
        interest = [co_attention(w, q, x, y) for q, x, y in zip(item, history, other)]
    elif attention == "interval_attention":
        ages = rows(b["history.age"], b["offsets.history"])
        interest = [interval(w, q, x, age, heads=2) for q, x, age in zip(item, history, ages)]
    else:
        interest = [ALONE[attention](w, q, x) for q, x in zip(item, history)]
    logit = linear(w, "logit.linear", torch.cat([item, torch.stack(interest)], 1))
    return {"ctr": torch.sigmoid(logit)}, {"click": layers.bce(logit, b["liked"])} | losses


# Attentions of a candidate and a history and nothing else.
ALONE = {
    "self_attention": lambda w, q, x: self_attention(w, q, x, heads=2, causal=False),
    "causal_attention": lambda w, q, x: self_attention(w, q, x, heads=3, causal=True),
    "cross_attention": lambda w, q, x: cross_attention(w, q, x, heads=2),
    "group_attention": group,
    "dynamic_attention": dynamic,
    "mean_max": lambda w, q, x: torch.cat([x.mean(0), x.max(0).values]) if len(x) else torch.zeros(12, dtype=x.dtype),
    "multi_interest": lambda w, q, x: routed(w, q, x, interests=3),
    "spatial_attention": spatial,
}
