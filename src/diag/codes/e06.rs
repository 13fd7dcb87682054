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
        code: "E0699",
        title: "a fault of specrec",
        text: "The program reached a state that it should never reach, whatever the input. It is stopped before it can write anything.",
        example: "any command",
        fix: "report it, with the command, the spec and the output of the command under RUST_BACKTRACE=1",
    },
];
