"""AUC, GAUC and logloss of made-up scores, from scikit-learn."""

import json

import numpy as np
from sklearn.metrics import log_loss, roc_auc_score


def case(name, logits, labels, users):
    """GAUC weighs a user's AUC by the user's rows and leaves out users of one class; undefined is null."""
    logits, labels, users = (np.asarray(v) for v in (logits, labels, users))
    logits = logits.astype(np.float32).astype(np.float64)
    both = [users == u for u in np.unique(users) if 0 < labels[users == u].mean() < 1]
    rows = [int(mine.sum()) for mine in both]
    aucs = [roc_auc_score(labels[mine], logits[mine]) for mine in both]
    return {
        "name": name,
        "logits": logits.tolist(),
        "labels": [int(v) for v in labels],
        "users": [int(v) for v in users],
        "auc": roc_auc_score(labels, logits) if 0 < labels.mean() < 1 else None,
        "gauc": float(np.average(aucs, weights=rows)) if rows else None,
        "users_counted": len(rows),
        "users_skipped": len(np.unique(users)) - len(rows),
        "logloss": float(log_loss(labels, 1 / (1 + np.exp(-logits)), labels=[0, 1])),
    }


def write(path):
    rng = np.random.default_rng(41)
    n = 400
    users = np.sort(rng.zipf(1.6, n).clip(max=40))
    spread = rng.normal(0, 1.5, n)
    labels = (rng.random(n) < 1 / (1 + np.exp(-0.8 * spread))).astype(int)
    cases = [
        case("by hand", [0.1, 0.4, 0.4, 0.8, 0.5, 0.5], [0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 2, 2]),
        case("spread", spread, labels, users),
        case("many ties", np.round(spread), labels, users),
        case("all tied", np.zeros(n), labels, users),
        case("users in turn", spread, labels, rng.permutation(users)),
        # In f32 the sigmoids of these are equal; ranking must be by logit.
        case("saturated", 20 + np.abs(spread[:50]), labels[:50], users[:50]),
        case("one class", spread[:20], np.ones(20, int), users[:20]),
    ]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"cases": cases}, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
    for c in cases:
        print(f"{c['name']:20} auc {c['auc']}  gauc {c['gauc']}  users {c['users_counted']}+{c['users_skipped']}  logloss {c['logloss']:.6f}")
