//! E06xx: training, runs and artifacts.

use super::Explanation;

pub(super) const CODES: &[Explanation] = &[
    Explanation {
        code: "E0610",
        title: "a checkpoint cannot be written",
        text: "Most often the disk is full or the directory is not ours to write. A checkpoint is written beside its place and then renamed, so the\n\
               one before it is still whole, and nothing of the run up to it is lost.",
        example: "specrec train specs/din.yaml --run /full/disk",
        fix: "free some space, then\nspecrec train specs/din.yaml --run /full/disk --resume",
    },
    Explanation {
        code: "E0611",
        title: "a checkpoint cannot be read",
        text: "The file is not there, is cut short, was changed after it was written (its content has a checksum), or was written by another program.",
        example: "specrec eval runs/din      # after runs/din/best.safetensors was cut by a copy that failed",
        fix: "copy the file again, or train again:\nspecrec train specs/din.yaml --force",
    },
    Explanation {
        code: "E0612",
        title: "a file of a run cannot be written",
        text: "The directory is not ours to write, or the disk is full. Files are written beside their place and renamed, so what was there before is whole.",
        example: "specrec train specs/din.yaml --run /not/ours",
        fix: "specrec train specs/din.yaml --run runs/din",
    },
    Explanation {
        code: "E0613",
        title: "not a run directory",
        text: "`eval` and `predict` take the directory that `train` wrote: it holds `run.json` and `spec.yaml`. `train` takes a directory that is absent,\n\
               empty, or a run's, and `--resume` one that holds a run.",
        example: "specrec eval specs/din.yaml",
        fix: "specrec eval runs/din",
    },
    Explanation {
        code: "E0614",
        title: "the run directory is taken",
        text: "It holds a run already, or another process trains in it. A finished or interrupted run is never replaced without being told to.",
        example: "specrec train specs/din.yaml      # a second time",
        fix: "specrec train specs/din.yaml --run runs/din-2      # or --resume, or --force",
    },
    Explanation {
        code: "E0615",
        title: "a part has no samples",
        text: "The split, a `where`, or joins with `missing: drop` leave nothing of a part that is to be trained on or measured.",
        example: "samples:\n  split: {train: year < 1900, valid: year == 2000, test: year > 2000}",
        fix: "a split whose train part has rows",
    },
    Explanation {
        code: "E0616",
        title: "a run of another spec or of other data",
        text: "Weights belong to the spec, the settings and the vocabularies that they were trained with.",
        example: "specrec train specs/base.yaml --run runs/din --resume",
        fix: "specrec train specs/din.yaml --run runs/din --resume",
    },
    Explanation {
        code: "E0617",
        title: "no such device",
        text: "The binary was built without CUDA, or the machine has no GPU that it can use.",
        example: "specrec train specs/din.yaml --device cuda",
        fix: "specrec train specs/din.yaml --device cpu",
    },
    Explanation {
        code: "E0618",
        title: "scores cannot be written",
        text: "The output is written beside its place and renamed once all rows are scored, so there is a whole file or none.",
        example: "specrec predict runs/din --input rows.csv --output /not/ours/scores.csv",
        fix: "specrec predict runs/din --input rows.csv --output scores.csv",
    },
    Explanation {
        code: "E0620",
        title: "a table that the data does not know",
        text: "A fault of specrec: the program reads a table that its own data section did not fit.",
        example: "any command",
        fix: "report it, with the spec",
    },
    Explanation {
        code: "E0621",
        title: "a step cannot be computed",
        text: "The batch, the weights and the graph do not fit: a fault of specrec, or a file that another program changed. No weight was changed by the step.",
        example: "any training",
        fix: "report it, with the message and the spec",
    },
    Explanation {
        code: "E0622",
        title: "the loss is not a number",
        text: "A loss became NaN or infinite. The message names the first value that is not finite; checkpoints are of steps before.",
        example: "features:\n  price: {type: number, value: log(price), side: item}      # price is 0 somewhere",
        fix: "features:\n  price: {type: number, value: log(1 + price), scale: zscore, side: item}",
    },
    Explanation {
        code: "E0623",
        title: "a row has no value of another run",
        text: "The other run's data section could not read the row: it is broken there, or a number in it is not one.",
        example: "runs:\n  pv: {run: ../runs/din, value: interest}      # a row without a `timestamp`, which that run needs",
        fix: "sources:\n  ratings: {path: ratings.csv, where: timestamp != null}",
    },
    Explanation {
        code: "E0624",
        title: "a value of another run cannot be computed",
        text: "The directory lacks a file or is damaged, or the rows lack a column that the other run reads. The notes say what that run found.",
        example: "runs:\n  pv: {run: ../runs/din, value: interest}      # whose `data.bin` was not copied along",
        fix: "copy the run directory as a whole",
    },
    Explanation {
        code: "E0699",
        title: "a fault of specrec",
        text: "The program reached a state that it should never reach, whatever the input. It is stopped before it can write anything.",
        example: "any command",
        fix: "report it, with the command, the spec and the output of the command under RUST_BACKTRACE=1",
    },
];
