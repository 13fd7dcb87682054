//! W0xxx: warnings; the command goes on.

use super::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "W0201",
        title: "declared and never used",
        text: "A feature, an axis or a value of `model` that nothing uses. Most often it was left out of a group.",
        example: "features:\n  movie: {type: id}\n  genres: {type: ids}\ngroups:\n  item: [movie]",
        fix: "features:\n  movie: {type: id}\n  genres: {type: ids}\ngroups:\n  item: [movie, genres]",
    },
    Explanation {
        code: "W0501",
        title: "many unknown ids",
        text: "More than a fifth of the ids of an input have no row of their own in some part: they are not in the train part, or rarer there than\n\
               `min_count`. All of them share one row, so the model knows nothing about them.",
        example: "features:\n  user: {type: id}      # in a split by time, where most users of the test part are new",
        fix: "axes:\n  history: {from: ratings, by: user, last: 50}      # what a new user did says more than who it is",
    },
    Explanation {
        code: "W0502",
        title: "no column cache",
        text: "The directory of the cache cannot be written or its disk is full, so the data stays in memory and is read again next time.",
        example: "a home directory that is read-only",
        fix: "SPECREC_CACHE=/scratch/cache specrec train specs/din.yaml",
    },
    Explanation {
        code: "W0503",
        title: "one class in validation or test",
        text: "All rows of the part have the same value of the label, or none. AUC and the like are not defined there.",
        example: "samples:\n  split: {train: day < 20, valid: day == 20}      # a day without a sale",
        fix: "samples:\n  split: {train: day < 14, valid: day >= 14}",
    },
    Explanation {
        code: "W0504",
        title: "a listed history that is not earlier",
        text: "A column lists steps of which some are not earlier than their own sample. Lists are taken as they are, so such a step can give the label away.",
        example: "time,hist_ts\n100,90|100",
        fix: "time,hist_ts\n100,80|90",
    },
    Explanation {
        code: "W0601",
        title: "resumed on another machine, program or seed",
        text: "A run gives the same bits on the same binary, CPU model, spec, data and seed. One of these differs from when it was started, so its next\n\
               steps may differ in the last bits from those of an uninterrupted run.",
        example: "specrec train specs/din.yaml --resume      # on another CPU",
        fix: "specrec train specs/din.yaml --resume      # on the machine it was started on",
    },
    Explanation {
        code: "W0602",
        title: "another run was trained on the same rows",
        text: "A value of another run is read for rows that the other run was trained on. Of rows that this run trains on too, it says better things than it\n\
               will say of new ones, and this run learns to trust it too much. Of rows that this run is measured on, it knows the labels, and the numbers\n\
               are worth nothing.",
        example: "runs:\n  pv: {run: ../runs/din, value: interest}      # trained on the same train part",
        fix: "runs:\n  pv: {run: ../runs/din_of_earlier_rows, value: interest}",
    },
];
