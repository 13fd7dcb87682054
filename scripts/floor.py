"""The floor on MovieLens-small: what means of users and items alone predict. `python scripts/floor.py`, with numpy.

liked = rating >= 4; rows in the order of (timestamp, row), the first 80 % train, the next 10 % validation, the rest test, rows of one time in one part.
The score of a row is `item[i] + user[u]`: shrunk means of what the rest leaves over, fitted in turn,

    item[i] = sum over i's rows of (liked - mean - user[u]) / (rows of i + 5)
    user[u] = sum over u's rows of (liked - mean - item[i]) / (rows of u + 10)

eight times over, from zero. A user or an item without rows counts 0.
"""

import pathlib

import numpy as np

MOVIELENS = pathlib.Path(__file__).parent.parent / "examples" / "movielens"
TURNS, ITEM_SHRINKAGE, USER_SHRINKAGE = 8, 5, 10


def read():
    """User, item, liked and time of every row, in order of time."""
    table = np.loadtxt(MOVIELENS / "ratings.csv", delimiter=",", skiprows=1)
    table = table[np.argsort(table[:, 3], kind="stable")]
    dense = lambda column: np.unique(table[:, column], return_inverse=True)[1]
    return dense(0), dense(1), table[:, 2] >= 4, table[:, 3]


def cuts(time, parts=(0.8, 0.9)):
    """Where validation and test begin: a cut within rows of one time moves behind them."""
    out = []
    for part in parts:
        cut = int(len(time) * part)
        while 0 < cut < len(time) and time[cut] == time[cut - 1]:
            cut += 1
        out.append(cut)
    return out


def scores(user, item, liked, fit):
    """The score of every row, fitted on the first `fit`."""
    u, i, y = user[:fit], item[:fit], liked[:fit] - liked[:fit].mean()
    by_user, by_item = np.zeros(user.max() + 1), np.zeros(item.max() + 1)
    for _ in range(TURNS):
        by_item = shrunk(i, y - by_user[u], len(by_item), ITEM_SHRINKAGE)
        by_user = shrunk(u, y - by_item[i], len(by_user), USER_SHRINKAGE)
    return by_item[item] + by_user[user]


def shrunk(ids, values, size, more):
    return np.bincount(ids, values, size) / (np.bincount(ids, minlength=size) + more)


def auc(score, label):
    """The share of (liked, not liked) pairs in order; a tie counts half."""
    _, place, counts = np.unique(score, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) - (counts - 1) / 2)[place]
    positive = label.sum()
    return (rank[label].sum() - positive * (positive + 1) / 2) / (positive * (len(label) - positive))


def gauc(score, label, user):
    """The mean of the users' AUCs, weighted by their rows; and how many users of one class were left out."""
    total = rows = skipped = 0
    for u in np.unique(user):
        mine = user == u
        if 0 < label[mine].sum() < mine.sum():
            total, rows = total + mine.sum() * auc(score[mine], label[mine]), rows + mine.sum()
        else:
            skipped += 1
    return total / rows, skipped


def logloss(score, label):
    p = np.clip(score, 1e-3, 1 - 1e-3)
    return -np.where(label, np.log(p), np.log(1 - p)).mean()


def main():
    user, item, liked, time = read()
    valid, test = cuts(time)
    parts = {"train": slice(0, valid), "valid": slice(valid, test), "test": slice(test, len(time))}
    for name, part in parts.items():
        fresh = lambda ids: np.setdiff1d(ids[part], ids[: parts["train"].stop])
        of = lambda ids: f"{len(fresh(ids))} of {len(np.unique(ids[part]))} new"
        rows = lambda ids: f"{np.isin(ids[part], fresh(ids)).mean():.1%} of rows"
        print(f"{name:6}{part.stop - part.start:7} rows, liked {liked[part].mean():.4f}; users: {of(user)}, {rows(user)}; items: {of(item)}, {rows(item)}")
    for name, fit, part in [("train", valid, "valid"), ("train", valid, "test"), ("train and validation", test, "test")]:
        s = scores(user, item, liked, fit)[parts[part]]
        within, skipped = gauc(s, liked[parts[part]], user[parts[part]])
        print(f"fitted on {name}: {part} AUC {auc(s, liked[parts[part]]):.4f}, GAUC {within:.4f} ({skipped} users of one class left out), logloss {logloss(s + liked[:fit].mean(), liked[parts[part]]):.4f}")


if __name__ == "__main__":
    main()
