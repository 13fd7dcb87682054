"""SASRec or BERT4Rec of RecBole on the events of events.py: leave-one-out, 64 wide, 2 layers, 2 heads, the last 20 events. RecBole trains; what is measured,
which epoch is the best and when to stop goes by specrec's protocol: every movie of the train part but what the user had, ties count against the model.

usage: recbole_next.py EVENTS.csv SASRec|BERT4Rec SEED EPOCHS PATIENCE
"""
import copy
import csv
import os
import pathlib
import sys
import tempfile

import numpy as np
import torch

for name, kind in (("bool", bool), ("object", object), ("float", float), ("int", int)):
    if name not in np.__dict__:
        setattr(np, name, kind)

from recbole.config import Config
from recbole.data import create_dataset, data_preparation
from recbole.model.sequential_recommender import BERT4Rec, SASRec
from recbole.trainer import Trainer
from recbole.utils import init_seed

path, kind = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
seed, epochs, patience = map(int, sys.argv[3:6])
rows = list(csv.DictReader(open(path)))
folder = pathlib.Path(tempfile.mkdtemp())
os.chdir(folder)     # RecBole writes logs where it stands
(folder / "events").mkdir()
with open(folder / "events" / "events.inter", "w") as file:
    file.write("user_id:token\titem_id:token\ttimestamp:float\n")
    file.writelines(f"{row['user']}\t{row['movie']}\t{row['place']}\n" for row in rows)
settings = {
    "data_path": str(folder), "load_col": {"inter": ["user_id", "item_id", "timestamp"]}, "checkpoint_dir": str(folder), "seed": seed, "use_gpu": False,
    "MAX_ITEM_LIST_LENGTH": 20, "hidden_size": 64, "inner_size": 256 if kind == "BERT4Rec" else 64, "n_layers": 2, "n_heads": 2, "hidden_dropout_prob": 0.2,
    "attn_dropout_prob": 0.2, "hidden_act": "gelu" if kind == "BERT4Rec" else "relu", "loss_type": "CE", "train_neg_sample_args": None, "mask_ratio": 0.2,
    "learning_rate": 1e-3, "train_batch_size": 512, "eval_batch_size": 512, "epochs": epochs, "stopping_step": epochs, "metrics": ["NDCG", "Hit"], "topk": [10],
    "valid_metric": "NDCG@10", "eval_args": {"split": {"LS": "valid_and_test"}, "order": "TO", "mode": "full", "group_by": "user"}, "show_progress": False,
}
config = Config(model=kind, dataset="events", config_dict=settings)
init_seed(seed, True)
dataset = create_dataset(config)
train, valid, test = data_preparation(config, dataset)
model = {"SASRec": SASRec, "BERT4Rec": BERT4Rec}[kind](config, train.dataset)
trainer = Trainer(config, model)
sequences = {}
for row in rows:
    sequences.setdefault(row["user"], []).append(row["movie"])
known = {movie for sequence in sequences.values() for movie in sequence[:-2]}
token = lambda field, name: dataset.token2id(field, name)
unknown = [token("item_id", movie) for movie in {row["movie"] for row in rows} - known]


def measured(batches, place):
    """HR@10 and NDCG@10 of the event at that place of each sequence."""
    hits = gain = users = 0
    for batch in batches:
        interaction = batch[0]
        with torch.no_grad():
            scores = model.full_sort_predict(interaction).view(len(interaction), -1)
        scores[:, 0] = -torch.inf
        scores[:, unknown] = -torch.inf
        for row, user, target in zip(scores, interaction["user_id"].tolist(), interaction["item_id"].tolist()):
            users += 1
            sequence = sequences[dataset.id2token("user_id", user)]
            own = row[target].item()
            row[[token("item_id", movie) for movie in sequence[:place]]] = -torch.inf
            row[target] = -torch.inf
            rank = 1 + int((row >= own).sum()) if sequence[place] in known else np.inf
            if rank <= 10:
                hits, gain = hits + 1, gain + 1 / np.log2(1 + rank)
    return users, hits / users, gain / users


class Enough(Exception):
    """No better validation for so many epochs."""


best = {"ndcg": -1, "epoch": 0, "weights": None}


def after_epoch(epoch, own_score):
    model.eval()
    _, hr, ndcg = measured(valid, -2)
    print(f"epoch {epoch + 1}: loss {trainer.train_loss_dict[epoch] / len(train):.4f} valid HR@10 {hr:.4f} NDCG@10 {ndcg:.4f} (its own {own_score:.4f})", flush=True)
    if ndcg > best["ndcg"]:
        best.update(ndcg=ndcg, epoch=epoch, weights=copy.deepcopy(model.state_dict()))
    if epoch - best["epoch"] >= patience:
        raise Enough


try:
    trainer.fit(train, valid, saved=False, show_progress=False, callback_fn=after_epoch)
except Enough:
    pass
model.load_state_dict(best["weights"])
model.eval()
users, hr, ndcg = measured(test, -1)
print(f"{kind} seed {seed}: {users} users, epoch {best['epoch'] + 1}, valid NDCG@10 {best['ndcg']:.4f}, test HR@10 {hr:.4f} NDCG@10 {ndcg:.4f}", flush=True)
