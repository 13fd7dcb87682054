"""Writes what users of MovieLens-small liked (rating >= 4), in order of time, of movies and users with at least 5 such events.

usage: events.py examples/movielens/ratings.csv OUT.csv
"""
import csv
import sys
from collections import Counter

events = [(int(r["timestamp"]), at, r["userId"], r["movieId"]) for at, r in enumerate(csv.DictReader(open(sys.argv[1]))) if float(r["rating"]) >= 4]
events.sort()
while True:
    users, movies = Counter(e[2] for e in events), Counter(e[3] for e in events)
    kept = [e for e in events if users[e[2]] >= 5 and movies[e[3]] >= 5]
    if len(kept) == len(events):
        break
    events = kept
with open(sys.argv[2], "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["user", "movie", "place"])
    table.writerows((user, movie, place) for place, (_, _, user, movie) in enumerate(events))
