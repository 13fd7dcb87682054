//! Scalars as TensorBoard reads them: TFRecord frames around hand-encoded `Event` messages.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// An event file, open at its end.
#[derive(Debug)]
pub(super) struct Events {
    file: BufWriter<File>,
}

impl Events {
    /// Begins a file in a directory. A run that goes on begins another one: TensorBoard takes the later of two values
    /// of a step.
    pub(super) fn create(dir: &Path) -> io::Result<Self> {
        let name = format!("events.out.tfevents.{:010}.specrec", now() as u64);
        let file = OpenOptions::new().create(true).append(true).open(dir.join(name))?;
        let mut events = Self { file: BufWriter::new(file) };
        events.record(&event(now(), 0, &text(3, "brain.Event:2")))?;
        Ok(events)
    }

    /// Adds a number.
    pub(super) fn scalar(&mut self, tag: &str, step: u64, value: f64) -> io::Result<()> {
        let mut inner = text(1, tag);
        inner.push(2 << 3 | 5);
        inner.extend((value as f32).to_le_bytes());
        self.record(&event(now(), step, &nested(5, &nested(1, &inner))))
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    fn record(&mut self, data: &[u8]) -> io::Result<()> {
        self.file.write_all(&framed(data))
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// `Event {wall_time = 1, step = 2, what}`.
fn event(time: f64, step: u64, what: &[u8]) -> Vec<u8> {
    let mut out = vec![1 << 3 | 1];
    out.extend(time.to_le_bytes());
    out.push(2 << 3);
    varint(step, &mut out);
    out.extend(what);
    out
}

fn text(field: u8, text: &str) -> Vec<u8> {
    nested(field, text.as_bytes())
}

/// A field of known length: a text, or a message within a message.
fn nested(field: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![field << 3 | 2];
    varint(bytes.len() as u64, &mut out);
    out.extend(bytes);
    out
}

fn varint(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Length, its checksum, the data, its checksum.
fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked(&length).to_le_bytes(), data, &masked(data).to_le_bytes()].concat()
}

/// TFRecord keeps checksums rotated and moved, so that a checksum of data that holds checksums is not a special number.
fn masked(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32 of Castagnoli, a bit at a time: events are short and few.
fn crc32c(data: &[u8]) -> u32 {
    let mut crc = !0u32;
    for &byte in data {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg());
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_rfc_3720() {
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn an_event_has_the_bytes_of_its_message() {
        // wall_time 1.0, step 300, summary {value {tag "a", simple_value 0.5}}
        let mut inner = text(1, "a");
        inner.extend([0x15, 0, 0, 0, 0x3f]);
        let bytes = event(1.0, 300, &nested(5, &nested(1, &inner)));
        let expected = [
            &[0x09][..],
            &1f64.to_le_bytes(),
            &[0x10, 0xac, 0x02, 0x2a, 10, 0x0a, 8, 0x0a, 1, b'a', 0x15, 0, 0, 0, 0x3f],
        ];
        assert_eq!(bytes, expected.concat());
    }

    #[test]
    fn a_file_is_frames_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let mut events = Events::create(dir.path()).unwrap();
        events.scalar("valid/auc", 7, 0.5).unwrap();
        events.flush().unwrap();
        let path = std::fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
        let bytes = std::fs::read(path).unwrap();
        let (mut at, mut frames) = (0, 0);
        while at < bytes.len() {
            let length = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
            let data = &bytes[at + 12..at + 12 + length];
            assert_eq!(bytes[at..at + 16 + length], framed(data));
            (at, frames) = (at + 16 + length, frames + 1);
        }
        assert_eq!(frames, 2);
    }
}
