"""Writes MovieLens-small as samples that every program can read as they stand: a row per rating, with the movies that the user liked strictly before,
oldest first, at most 50; parts by time, 80/10/10.

usage: samples.py examples/movielens/ratings.csv OUT.csv
"""
import csv
import sys

LAST = 50

ratings = [(int(r["userId"]), int(r["movieId"]), float(r["rating"]) >= 4, int(r["timestamp"])) for r in csv.DictReader(open(sys.argv[1]))]
ratings.sort(key=lambda rating: rating[3])
liked = {}
with open(sys.argv[2], "w", newline="") as file:
    table = csv.writer(file)
    table.writerow(["user", "movie", "liked", "history", "part"])
    for at, (user, movie, is_liked, time) in enumerate(ratings):
        before = [other for other, when in liked.get(user, []) if when < time][-LAST:]
        part = "train" if at < 0.8 * len(ratings) else "valid" if at < 0.9 * len(ratings) else "test"
        table.writerow([user, movie, int(is_liked), "|".join(map(str, before)), part])
        if is_liked:
            liked.setdefault(user, []).append((movie, time))
