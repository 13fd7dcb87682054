"""DIN of DeepCTR-Torch on the samples of samples.py, with the settings of din.yaml: embedding 16, unit 80-40 with Dice, top 200-80 with ReLU (its Dice does not run there), Adam at 1e-3,
batch 512, the epoch of the best validation GAUC, patience 2.

usage: deepctr_din.py SAMPLES.csv SEED...
"""
import copy
import csv
import sys
from collections import Counter

import numpy as np
import torch
from deepctr_torch.inputs import SparseFeat, VarLenSparseFeat, get_feature_names
from deepctr_torch.models import DIN
from sklearn.metrics import roc_auc_score

LAST = 50

rows = list(csv.DictReader(open(sys.argv[1])))
histories = [[movie for movie in row["history"].split("|") if movie] for row in rows]
# Ids of the train part that stand there at least twice, in samples and histories; the others share a row. Row 0 is padding.
counts = Counter()
for row, history in zip(rows, histories):
    if row["part"] == "train":
        counts.update([row["movie"]])
places = {movie: place + 2 for place, movie in enumerate(sorted(m for m, n in counts.items() if n >= 2))}
size = len(places) + 2
place = lambda movie: places.get(movie, 1)
inputs = {
    "movie": np.array([place(row["movie"]) for row in rows]),
    "hist_movie": np.array([[place(m) for m in h] + [0] * (LAST - len(h)) for h in histories]),
    "seq_length": np.array([len(h) for h in histories]),
}
labels = np.array([int(row["liked"]) for row in rows])
users = np.array([int(row["user"]) for row in rows])
of_part = {part: np.array([row["part"] == part for row in rows]) for part in ("train", "valid", "test")}
columns = [
    SparseFeat("movie", size, embedding_dim=16),
    VarLenSparseFeat(SparseFeat("hist_movie", size, embedding_dim=16, embedding_name="movie"), LAST, length_name="seq_length"),
]


def gauc(labels, scores, users):
    total = weight = 0.0
    for user in np.unique(users):
        mine = users == user
        if 0 < labels[mine].sum() < mine.sum():
            total += mine.sum() * roc_auc_score(labels[mine], scores[mine])
            weight += mine.sum()
    return total / weight


def measured(model, part):
    mask = of_part[part]
    scores = model.predict({name: values[mask] for name, values in inputs.items()}, 4096)[:, 0]
    return roc_auc_score(labels[mask], scores), gauc(labels[mask], scores, users[mask])


for seed in map(int, sys.argv[2:]):
    model = DIN(columns, ["movie"], dnn_hidden_units=(200, 80), att_hidden_size=(80, 40), att_activation="dice", dnn_activation="relu",
                l2_reg_embedding=0, l2_reg_dnn=0, seed=seed)
    model.compile(torch.optim.Adam(model.parameters(), lr=1e-3), "binary_crossentropy", metrics=[])
    best, waited = None, 0
    train = {name: values[of_part["train"]] for name, values in inputs.items()}
    while waited < 2:
        model.fit(train, labels[of_part["train"]], batch_size=512, epochs=1, verbose=0)
        valid = measured(model, "valid")
        if best is None or valid[1] > best[0][1]:
            best, waited = (valid, copy.deepcopy(model.state_dict())), 0
        else:
            waited += 1
    model.load_state_dict(best[1])
    test = measured(model, "test")
    print(f"seed {seed} valid auc gauc {best[0][0]:.4f} {best[0][1]:.4f} test auc gauc {test[0]:.4f} {test[1]:.4f}", flush=True)
