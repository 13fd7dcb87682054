"""Made-up batches and weights. All numbers come from numpy's PCG64, whose stream does not depend on the version of PyTorch."""

import numpy as np

MOVIES, GENRES, MOVIE_DIM, GENRE_DIM = 60, 20, 16, 8
ITEM = MOVIE_DIM + GENRE_DIM
HISTORIES = [0, 1, 50, 3, 17, 0, 5]


def offsets(lengths):
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.uint32)


def batch(rng, histories=HISTORIES):
    """A batch with histories of the given lengths and genre lists of 0 to 4, the empty ones included on both sides."""
    rows, events = len(histories), sum(histories)
    item_genres = np.arange(rows) % 5
    event_genres = rng.integers(0, 5, events)
    return {
        "offsets.history": offsets(histories),
        "offsets.genres": offsets(item_genres),
        "offsets.history.genres": offsets(event_genres),
        "movie": ids(rng, MOVIES, rows),
        "genres": ids(rng, GENRES, item_genres.sum()),
        "history.movie": ids(rng, MOVIES, events),
        "history.genres": ids(rng, GENRES, event_genres.sum()),
        "liked": (np.arange(rows) % 3 == 0).astype(np.float32)[:, None],
    }


def ids(rng, size, n):
    return rng.integers(0, size, int(n)).astype(np.uint32)


def layer(rng, out, path, width, n):
    out[path + ".w"] = rng.normal(0, width**-0.5, (width, n))
    out[path + ".b"] = rng.normal(0, 0.1, n)


def mlp(rng, out, path, width, sizes, activation):
    for i, n in enumerate(sizes):
        layer(rng, out, f"{path}.{i}", width, n)
        if activation in ("dice", "prelu"):
            out[f"{path}.{i}.alpha"] = rng.uniform(-0.3, 0.5, n)
        width = n
    return width


def tables(rng, out, movie=MOVIE_DIM, genre=GENRE_DIM):
    out["table.movie"] = rng.normal(0, 0.6, (MOVIES, movie))
    out["table.genres"] = rng.normal(0, 0.6, (GENRES, genre))


def din(rng, hidden, top, unit, activation):
    out = {}
    tables(rng, out)
    layer(rng, out, "interest.out", mlp(rng, out, "interest.hidden", 4 * ITEM, hidden, unit), 1)
    layer(rng, out, "logit.linear", mlp(rng, out, "logit.mlp", 3 * ITEM, top, activation), 1)
    return out


def base(rng, top):
    out = {}
    tables(rng, out)
    layer(rng, out, "logit.linear", mlp(rng, out, "logit.mlp", 3 * ITEM, top, "relu"), 1)
    return out


def deepfm(rng, top, dim=6):
    out = {}
    tables(rng, out, dim, dim)
    out["table.wide"] = rng.normal(0, 0.6, (MOVIES, 1))
    layer(rng, out, "deep.linear", mlp(rng, out, "deep.mlp", 3 * dim, top, "relu"), 1)
    return out


def running(rng, weights):
    """Running statistics for every Dice: one per vector of alphas."""
    out = {}
    for path in [p[: -len(".alpha")] for p in weights if p.endswith(".alpha")]:
        n = weights[path + ".alpha"].shape[0]
        out[path + ".mean"] = rng.normal(0, 0.3, n)
        out[path + ".var"] = rng.uniform(0.2, 2.0, n)
    return out
