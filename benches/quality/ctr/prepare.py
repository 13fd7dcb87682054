"""Writes the item tables of the CTR comparison as CSV: genres of ml-1m, attributes of Amazon Beauty.

usage: prepare.py DATA OUT     (DATA holds ml-1m/movies.dat and amazon-beauty/item-attributes.json.gz)
"""
import csv
import gzip
import json
import pathlib
import sys

data, out = map(pathlib.Path, sys.argv[1:])
out.mkdir(parents=True, exist_ok=True)
with open(out / "movies.csv", "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["item_id", "genres"])
    for line in open(data / "ml-1m" / "movies.dat", encoding="latin-1"):
        item, _, genres = line.rstrip("\n").split("::")
        table.writerow([item, genres])
with open(out / "attributes.csv", "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["item", "attributes"])
    for item, attributes in json.load(gzip.open(data / "amazon-beauty" / "item-attributes.json.gz")).items():
        table.writerow([item, "|".join(map(str, attributes))])
