"""NDCG@10 and MAP of MQ2007's lists, ordered by each single input rank, measured as specrec does: a list without a relevant document is left out, of equal
ranks the less relevant document comes first, a missing rank comes last. The column is chosen on S1 to S4.

usage: initial_list.py DATA     (a directory that holds S1.txt.gz to S5.txt.gz)
"""
import gzip
import math
import pathlib
import sys

COLUMNS = 21


def lists(path):
    found = {}
    for line in gzip.open(path, "rt"):
        label, query, *ranks = line.split("#")[0].split()
        values = [math.inf if value == "NULL" else float(value) for value in (rank.split(":")[1] for rank in ranks)]
        found.setdefault(query, []).append((int(label), values))
    return found.values()


def gain(labels):
    return sum((2**label - 1) / math.log2(place + 2) for place, label in enumerate(labels))


def measure(all_lists, column):
    ndcg, precision, count = 0.0, 0.0, 0
    for documents in all_lists:
        labels = [label for label, _ in sorted(documents, key=lambda document: (document[1][column], document[0]))]
        relevant = sum(label > 0 for label in labels)
        if relevant == 0:
            continue
        count += 1
        ndcg += gain(labels[:10]) / gain(sorted(labels, reverse=True)[:10])
        hits = 0
        for place, label in enumerate(labels):
            if label > 0:
                hits += 1
                precision += hits / (place + 1) / relevant
    return ndcg / count, precision / count, count


data = pathlib.Path(sys.argv[1])
known = [documents for part in "1234" for documents in lists(data / f"S{part}.txt.gz")]
test = lists(data / "S5.txt.gz")
column = max(range(COLUMNS), key=lambda column: measure(known, column)[0])
ndcg, precision, count = measure(test, column)
print(f"column {column + 1}: NDCG@10 {ndcg:.4f}, MAP {precision:.4f} on {count} lists")
