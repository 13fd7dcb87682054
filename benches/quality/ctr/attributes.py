"""Writes the attributes of Amazon Beauty's items as CSV.

usage: attributes.py DATA/amazon-beauty/item-attributes.json.gz OUT.csv
"""
import csv
import gzip
import json
import sys

with open(sys.argv[2], "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["item", "attributes"])
    for item, attributes in json.load(gzip.open(sys.argv[1])).items():
        table.writerow([item, "|".join(map(str, attributes))])
