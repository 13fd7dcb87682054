"""Weights and batches of the fixtures of `interests`, `fields` and `sequences`."""

import numpy as np

import draws

HISTORIES = [0, 1, 4, 2, 7]
ITEM = 6


def weights(rng, linears, tables, others=()):
    """Linear layers `path: (in, out)`, those in `others` as they are; a `!` behind a path: without a bias."""
    out = {f"table.{name}": rng.normal(0, 0.6, shape) for name, shape in tables.items()}
    for path, (n, m) in linears.items():
        draws.layer(rng, out, path.rstrip("!"), n, m)
        if path.endswith("!"):
            del out[path.rstrip("!") + ".b"]
    for path, shape in dict(others).items():
        around = 1.0 if path.endswith("scale") else 0.0
        out[path] = rng.normal(around, 0.4, shape)
    return out


def batch(rng):
    out = draws.batch(rng, HISTORIES)
    out["unseen.log_q"] = np.log(rng.uniform(0.005, 0.05, (3 * len(HISTORIES), 1)))
    return out


def events(rng, out, axis, lengths):
    """Items along an axis of its own."""
    genres = rng.integers(0, 4, sum(lengths))
    out[f"offsets.{axis}"] = draws.offsets(lengths)
    out[f"offsets.{axis}.genres"] = draws.offsets(genres)
    out[f"{axis}.movie"] = draws.ids(rng, draws.MOVIES, sum(lengths))
    out[f"{axis}.genres"] = draws.ids(rng, draws.GENRES, genres.sum())


ITEMS = {"movie": (draws.MOVIES, 4), "genres": (draws.GENRES, 2)}
QKV = lambda path, d, bias, query="query": {f"{path}.{name}.linear{bias}": (d, d) for name in (query, "key", "value")} | {f"{path}.linear{bias}": (d, d)}
GRU = lambda inputs, states, n, m: {inputs: (n, 3 * m), states + "!": (m, 3 * m)}
STATES = GRU("states.linear", "states.gru_step.from_state.linear", 6, 6) | {"weight.linear!": (6, 6)}
AUGRU = lambda m: GRU("interest.inputs.linear", "interest.states.from_state.linear", 6, m)
POOL = lambda path, d: {path + ".score.linear": (d, 5), path + ".score.linear.2!": (5, 1)}

# The layers of each attention, and the width of the interest it gives.
INTERESTS = {
    "dien_augru": (STATES | AUGRU(6), 6),
    "dien_augru_official": (STATES | AUGRU(5), 5),
    "dien_agru": (STATES | {"interest.linear": (6, 12), "interest.agru_step.from_state.linear!": (6, 12)}, 6),
    "dien_aigru": (STATES | GRU("interest.gru.linear", "interest.gru.gru_step.from_state.linear", 6, 6), 6),
    "dien_unit": ({k: v for k, v in STATES.items() if not k.startswith("weight")} | AUGRU(6) | {"unit.mlp.0": (24, 5), "unit.linear": (5, 1)}, 6),
    "dien_network": (STATES | AUGRU(6) | {f"loss.aux.clicks.{k}": v for k, v in {"mlp.0": (12, 100), "mlp.1": (100, 50), "linear": (50, 1)}.items()}, 6),
    "self_attention": (QKV("interest", 6, ""), 6),
    "causal_attention": (QKV("interest", 6, "!"), 6),
    "cross_attention": (QKV("interest", 6, "", "queries"), 6),
    "co_attention": ({f"interest.{k}.linear!": v for k, v in {"of_x": (6, 5), "of_y": (6, 5), "affinity": (6, 6)}.items()}, 12),
    "hierarchical": (POOL("interest.visit", 6) | POOL("interest.attention_pooling", 6), 6),
    "group_attention": ({"interest.score.linear": (6, 5), "interest.score.linear.2!": (6, 5), "interest.score.linear.3!": (5, 1)}, 6),
    "dynamic_attention": (GRU("interest.states.linear", "interest.states.gru_step.from_state.linear", 6, 5) | {"interest.key.linear": (6, 5)}, 11),
    "mean_max": ({}, 12),
    "multi_interest": ({"interest.vote.linear!": (6, 18)}, 6),
    "spatial_attention": ({"interest.linear": (6, 1)}, 6),
    "interval_attention": (QKV("interest", 6, ""), 6),
}


def interest(rng, name):
    linears, width = INTERESTS[name]
    others = {}
    if name == "dien_network":
        others = {"loss.aux.clicks.batch_norm.scale": 12, "loss.aux.clicks.batch_norm.shift": 12}
    if name == "co_attention":
        others = {"interest.weight_x.linear.w": (5, 1), "interest.weight_y.linear.w": (5, 1)}
    if name == "interval_attention":
        others = {"interest.interval.embed": (6, 1)}
    given = batch(rng)
    if name.startswith("dien"):
        events(rng, given, "unseen", [1] * sum(HISTORIES))
    if name == "co_attention":
        events(rng, given, "disliked", [2, 0, 3, 1, 5])
    if name == "interval_attention":
        given["history.age"] = rng.uniform(0, 60, (sum(HISTORIES), 1))
    if name == "hierarchical":
        visits = [0, 1, 2, 1, 3]
        given["offsets.visit"] = draws.offsets(visits)
        given["offsets.history"] = draws.offsets([1, 3, 1, 2, 2, 4, 1])
    return weights(rng, linears | {"logit.linear": (ITEM + width, 1)}, ITEMS, others), given


FIELDS = {
    "cross_network": {"logit.0.linear": (16, 16), "logit.1.linear": (16, 16), "logit.linear": (16, 1)},
    "cin": {"logit.linear": (6, 1)},
    "autoint": {f"logit.{name}!": (4, 6) for name in ("query.linear", "key.linear", "value.linear", "linear")} | {"logit.linear.2": (24, 1)},
    "senet": {"logit.excited.linear!": (4, 3), "logit.excited.linear.2!": (3, 4), "logit.linear": (4, 1)},
    "interhat": POOL("logit.first", 4) | POOL("logit.second", 4) | POOL("logit.third", 4) | {"logit.linear": (12, 1)},
    "fm": {},
    "nfm": {"logit.mlp.0": (4, 5), "logit.linear": (5, 1)},
    "afm": {"pairs.score.linear": (4, 5), "pairs.score.linear.2!": (5, 1), "logit.linear!": (4, 1)},
}


def field(rng, name):
    tables, others = {"movie": (draws.MOVIES, 4), "genres": (draws.GENRES, 4)}, {}
    if name in ("fm", "nfm", "afm"):
        tables = {"movie": (draws.MOVIES, 1), "genres": (draws.GENRES, 1), "movie_vector": (draws.MOVIES, 4), "genres_vector": (draws.GENRES, 4)}
        others = {"bias": 1}
    if name == "cin":
        others = {"logit.first_weight": (4, 4, 3, 1), "logit.second_weight": (4, 3, 3, 1)}
    return weights(rng, FIELDS[name], tables, others), batch(rng)


def loss(rng, name):
    given = batch(rng)
    events(rng, given, "unseen", [3] * len(HISTORIES))
    return weights(rng, {}, ITEMS), given


def block(path, d, hidden, norms):
    """The layers of one block, and the two normalisations it has."""
    linears = QKV(path + ".attended", d, "") | {path + ".fed.mlp.0": (d, hidden), path + ".fed.linear": (hidden, d)}
    return linears, {f"{path}{norm}.layer_norm.{part}": d for norm in norms for part in ("scale", "shift")}


def blocks(d, hidden, norms, layers=2):
    linears, others = {}, {}
    for layer in range(layers):
        more, norm = block(f"encoded.stack.{layer}", d, hidden, norms)
        linears, others = linears | more, others | norm
    return linears, others


POST, PRE = (".middle", ""), (".within", ".inner")


def sequence(rng, name):
    given = batch(rng)
    movies = {"movie": (draws.MOVIES, 6)}
    if name in ("bst_index", "bst_sinusoid", "bst_none"):
        linears, others = blocks(6, 5, POST, layers=1)
        others |= {"placed.positions": (9, 6)} if name == "bst_index" else {}
        return weights(rng, linears | {"logit.linear": (12, 1)}, ITEMS, others), given
    if name.startswith("bst"):
        linears, others = blocks(8, 5, POST, layers=1)
        width = 72 if name == "bst_flatten" else 8
        linears |= {"logit.mlp.0": (ITEM + width, 7), "logit.linear": (7, 1)}
        given["ago"] = draws.ids(rng, 9, len(HISTORIES))
        given["history.ago"] = draws.ids(rng, 9, sum(HISTORIES))
        return weights(rng, linears, ITEMS | {"ago": (9, 2)}, others), given
    if name == "prm":
        linears, others = blocks(6, 5, POST)
        events(rng, given, "slate", HISTORIES)
        given["slate.liked"] = np.zeros((sum(HISTORIES), 1), np.float32)
        # The list of one is clicked; of the list of four, two; of the list of two, none; of the longest, one.
        given["slate.liked"][[0, 1, 3, 9]] = 1
        return weights(rng, linears | {"encoded.linear": (6, 6), "score.linear": (6, 1)}, ITEMS, others | {"x.positions": (8, 6)}), given
    for axis in ("movie", "history.movie"):
        given[axis] = 1 + given[axis] % (draws.MOVIES - 1)
    if name.startswith("sasrec"):
        linears, others = blocks(6, 6, PRE)
        if name == "sasrec":
            given["history.movie"][3] = 0  # unknown: read, but never what is to be told
        else:
            given["offsets.unseen"] = draws.offsets([2] * sum(HISTORIES))
            given["unseen.movie"] = 1 + draws.ids(rng, draws.MOVIES - 1, 2 * sum(HISTORIES))
        return weights(rng, linears, movies, others | {"encoded.layer_norm.scale": 6, "encoded.layer_norm.shift": 6, "steps.positions": (8, 6)}), given
    linears, others = blocks(6, 24, POST)
    given["history.shown"] = given["history.movie"].copy()
    given["history.shown"][[0, 2, 4, 6, 7, 13]] = 0
    if name == "bert4rec_code":
        others |= {"hidden.layer_norm.scale": 6, "hidden.layer_norm.shift": 6}
    return weights(rng, linears | {"hidden.linear": (6, 6)}, movies, others | {"steps.positions": (9, 6), "movie.bias": (draws.MOVIES, 1)}), given
