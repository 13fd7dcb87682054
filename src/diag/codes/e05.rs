//! E05xx: data at run time.

use super::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0501",
        title: "no file",
        text: "A path of a source leads to nothing: no file, no directory with files, nothing that the wildcards match. A path starts from the directory of\n\
               the file that says it.",
        example: "sources:\n  ratings: {path: data/rating.csv}",
        fix: "sources:\n  ratings: {path: data/ratings.csv}",
    },
    Explanation {
        code: "E0502",
        title: "a format that is not read",
        text: "Data is read from CSV, JSON Lines, libsvm and sequence files, plain or gzip.",
        example: "sources:\n  logs: {path: logs.parquet}",
        fix: "sources:\n  logs: {path: logs.csv.gz}",
    },
    Explanation {
        code: "E0503",
        title: "a file that cannot be read",
        text: "The file as a whole is not what it should be: the system refuses it, its compressed data is cut short or damaged, or it has no header.",
        example: "logs.csv.gz of a download that was broken off",
        fix: "gzip --test logs.csv.gz      # says whether a file is whole",
    },
    Explanation {
        code: "E0504",
        title: "no such column",
        text: "An expression, a feature, a key or a time names a column that neither the source nor a source joined to it has. Every file of a source must have\n\
               the columns that are read.",
        example: "features:\n  movie: {type: id, column: movie_id}      # where the header says movieId",
        fix: "features:\n  movie: {type: id, column: movieId}",
    },
    Explanation {
        code: "E0505",
        title: "a broken row",
        text: "A row has too few or too many fields, a quote that nothing closes, bytes that the encoding does not allow, or a text where a number, a time or a\n\
               whole number below `size` is needed. It is never guessed at. `on_error: skip` leaves such rows out and counts them.",
        example: "userId,movieId,rating\n1,31,high",
        fix: "sources:\n  ratings: {path: ratings.csv, on_error: skip}",
    },
    Explanation {
        code: "E0506",
        title: "a key that stands twice",
        text: "A source with a `key` is joined by it, so each value of the key has one row.",
        example: "movieId,title\n1,Toy Story\n1,Jumanji",
        fix: "movieId,title\n1,Toy Story\n2,Jumanji",
    },
    Explanation {
        code: "E0507",
        title: "a row without a match",
        text: "A join that says `missing: error` found no row with the key, or the key is null.",
        example: "samples:\n  join: {ads: {column: ad_id, missing: error}}",
        fix: "samples:\n  join: {ads: {column: ad_id, missing: null}}      # its columns are then null, and the misses counted",
    },
    Explanation {
        code: "E0508",
        title: "a row in two parts",
        text: "The conditions of two parts of the split hold for one row, which would be trained on and tested on.",
        example: "samples:\n  split: {train: day <= 20, test: day >= 20}",
        fix: "samples:\n  split: {train: day < 20, test: day >= 20}",
    },
    Explanation {
        code: "E0509",
        title: "an empty part",
        text: "The split makes a part that no row is in.",
        example: "samples:\n  split: {train: day < 20, valid: day == 20, test: day > 20}      # where the data ends with day 20",
        fix: "samples:\n  split: {train: day < 19, valid: day == 19, test: day == 20}",
    },
    Explanation {
        code: "E0510",
        title: "a label that says nothing",
        text: "All rows of the train part have the same value of the label, or none at all. A log of positives only has nothing to tell apart.",
        example: "samples:\n  labels: {liked: rating >= 0}",
        fix: "samples:\n  labels: {liked: rating >= 4}",
    },
    Explanation {
        code: "E0511",
        title: "the data of a run is missing or of another spec",
        text: "A run directory holds `data.bin`: vocabularies, scales, joined sources and events. Predictions need it, and it goes with the spec beside it.",
        example: "specrec predict runs/din --input rows.csv --output scores.csv      # after data.bin was deleted",
        fix: "specrec train specs/din.yaml --run runs/din",
    },
    Explanation {
        code: "E0512",
        title: "a damaged column cache",
        text: "An array of the cache ends before its rows do. A file that was damaged before it is opened is written anew without a word; this one changed while\n\
               it was in use, or is too large to be checked when opened.",
        example: "another program writes into ~/.cache/specrec",
        fix: "rm -r ~/.cache/specrec      # or the directory that SPECREC_CACHE names",
    },
    Explanation {
        code: "E0513",
        title: "there is nothing to be drawn",
        text: "A draw takes ids of the train part that have rows of their own. Here every id is too rare, or none is there at all.",
        example: "axes:\n  unseen: {draw: movie, n: 1, by: popularity}      # and no movie is in two train rows",
        fix: "features:\n  movie: {type: id, min_count: 1}",
    },
    Explanation {
        code: "E0514",
        title: "a list that is in two parts",
        text: "A list is one sample, so all of its rows are of one part. Here a condition or a file puts some of them elsewhere.",
        example: "samples:\n  split: {train: rank < 5, test: rank >= 5}",
        fix: "samples:\n  split: {train: day < 20, test: day >= 20}",
    },
    Explanation {
        code: "E0515",
        title: "a list that is too long",
        text: "A list with more rows than the `max` of its axis is not cut in silence, since what is cut cannot be ranked.",
        example: "axes:\n  slate: {list: request, max: 10}                 # and a request of 11 rows",
        fix: "axes:\n  slate: {list: request, max: 10, cut: true}",
    },
    Explanation {
        code: "E0516",
        title: "vectors that do not fit their table",
        text: "A file of vectors gives each id as many numbers as a row of the table has, and at least one id of the train part is in it.",
        example: "tables:\n  text: {of: movie, from: {path: vectors.csv, key: movieId, column: vector}}      # 64 numbers each",
        fix: "tables:\n  text: {of: movie, dim: 64, from: {path: vectors.csv, key: movieId, column: vector}}",
    },
];
