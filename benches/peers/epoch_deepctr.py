"""The peer of epoch.py: DIN of DeepCTR-Torch from the ratings file to the AUC of the last fifth, as epoch.yaml says it. Prints a line of JSON.

usage: epoch_deepctr.py RATINGS THREADS
"""

import json
import sys
import time

import numpy as np
import pandas as pd
import torch
from deepctr_torch.inputs import SparseFeat, VarLenSparseFeat
from deepctr_torch.models import DIN
from sklearn.metrics import roc_auc_score

LAST = 50
EMBEDDING = 16
BATCH = 1024

started = time.perf_counter()
torch.set_num_threads(int(sys.argv[2]))
ratings = pd.read_csv(sys.argv[1], sep="\t", usecols=["user_id", "item_id", "rating", "timestamp"])
ratings = ratings.sort_values("timestamp", kind="stable", ignore_index=True)
read = time.perf_counter()

# The last fifth begins behind all ratings of one time.
when = ratings["timestamp"].to_numpy(np.int64)
train = int(np.searchsorted(when, when[int(0.8 * len(when))], side="right"))
liked = (ratings["rating"] >= 4).to_numpy()
# Movies that the train part has at least twice; the others share row 1, and row 0 is padding.
counts = ratings["item_id"][:train].value_counts()
rows = pd.Series(np.arange(2, 2 + (counts >= 2).sum()), index=np.sort(counts.index[counts >= 2]))
movie = ratings["item_id"].map(rows).fillna(1).to_numpy(np.int32)

# All that users liked, by user and time: those before a rating are found by the first that is not earlier, and the last 50 of them are its history.
user = ratings["user_id"].to_numpy(np.int64)
key = user * (1 << 32) + when
by_user = np.flatnonzero(liked)[np.argsort(key[liked], kind="stable")]
begin = np.searchsorted(key[by_user], user * (1 << 32))
end = np.searchsorted(key[by_user], key)
length = np.minimum(end - begin, LAST)
at = (end - length)[:, None] + np.arange(LAST)
history = np.where(np.arange(LAST) < length[:, None], movie[by_user[np.minimum(at, len(by_user) - 1)]], 0)
made = time.perf_counter()

inputs = {"movie": movie, "hist_movie": history, "seq_length": length.astype(np.int32)}
part = lambda chosen: {name: values[chosen] for name, values in inputs.items()}
size = len(rows) + 2
columns = [
    SparseFeat("movie", size, embedding_dim=EMBEDDING),
    VarLenSparseFeat(SparseFeat("hist_movie", size, embedding_dim=EMBEDDING, embedding_name="movie"), LAST, length_name="seq_length"),
]
# Its Dice does not run in the top layers.
model = DIN(columns, ["movie"], dnn_hidden_units=(200, 80), att_hidden_size=(80, 40), att_activation="dice", dnn_activation="relu", l2_reg_embedding=0, l2_reg_dnn=0)
model.compile(torch.optim.Adam(model.parameters(), lr=1e-3), "binary_crossentropy", metrics=[])
model.fit(part(slice(train)), liked[:train].astype(np.float32), batch_size=BATCH, epochs=1, verbose=0)
trained = time.perf_counter()

scores = model.predict(part(slice(train, None)), BATCH)[:, 0]
auc = roc_auc_score(liked[train:], scores)
done = time.perf_counter()
stages = {"read": read - started, "samples": made - read, "epoch": trained - made, "validation": done - trained}
print(json.dumps({"auc": auc, "train": train, "valid": len(ratings) - train, "from file to metric": done - started, **stages}))
