//! The bytes of a file as UTF-8 lines: gzip and other encodings undone, the byte order mark removed.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::path::Path;

use encoding_rs::{DecoderResult, Encoding, UTF_8};
use flate2::bufread::MultiGzDecoder;
use memchr::memchr;

use super::Failure;

/// Bytes read at once, and the room for one record at first.
const BLOCK: usize = 1 << 18;
/// No record is longer: a quote that is never closed must not read the whole file into memory.
const LONGEST: usize = 1 << 24;
/// No UTF-8 text holds this byte: it stands for bytes that their encoding does not allow, and so marks the row.
const MALFORMED: u8 = 0xff;

/// The unread part of a file.
pub(crate) struct Input {
    reader: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    ended: bool,
    line: u64,
}

impl Input {
    /// Opens a file; `encoding` none is UTF-8.
    pub(crate) fn open(path: &Path, encoding: Option<&'static Encoding>) -> Result<Input, Failure> {
        let mut file = File::open(path).map_err(failure)?;
        let mut magic = Vec::new();
        (&mut file).take(4).read_to_end(&mut magic).map_err(failure)?;
        let file = io::Cursor::new(magic.clone()).chain(file);
        let plain: Box<dyn Read + Send> = match magic.as_slice() {
            [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(BufReader::with_capacity(BLOCK, file))),
            [0x28, 0xb5, 0x2f, 0xfd] => {
                return Err(Failure::unread("zstd"));
            }
            b"PAR1" => return Err(Failure::unread("Parquet")),
            _ => Box::new(file),
        };
        let reader = match encoding.filter(|encoding| *encoding != UTF_8) {
            None => plain,
            Some(encoding) => Box::new(Decode {
                reader: plain,
                decoder: encoding.new_decoder_with_bom_removal(),
                raw: Vec::new(),
                text: Vec::new(),
                at: 0,
                ended: false,
            }),
        };
        let mut input = Input { reader, buffer: vec![0; BLOCK], start: 0, end: 0, ended: false, line: 1 };
        input.more()?;
        if input.rest().starts_with("\u{feff}".as_bytes()) {
            input.start = 3;
        }
        Ok(input)
    }

    /// The number of the line that comes next, from 1.
    pub(crate) fn line_number(&self) -> u64 {
        self.line
    }

    /// What is read and not consumed.
    pub(crate) fn rest(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Whether nothing follows [`Input::rest`].
    pub(crate) fn ended(&self) -> bool {
        self.ended
    }

    /// Whether the rest is as long as a record may be.
    pub(crate) fn full(&self) -> bool {
        self.rest().len() >= LONGEST
    }

    /// Reads on until the buffer is full, which grows if it already is; false at the end of the file.
    pub(crate) fn more(&mut self) -> Result<bool, Failure> {
        if self.ended {
            return Ok(false);
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            self.buffer.resize(2 * self.end, 0);
        }
        let before = self.end;
        while self.end < self.buffer.len() && !self.ended {
            match self.reader.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Failure { line: Some(self.line), ..failure(error) }),
            }
        }
        Ok(self.end > before)
    }

    /// The next line of the rest, line end excluded, and how many bytes it takes with it; none at the end of the file.
    pub(crate) fn next_line(&mut self) -> Result<Option<(Range<usize>, usize)>, Failure> {
        let mut seen = 0;
        loop {
            if let Some(at) = memchr(b'\n', &self.rest()[seen..]) {
                let end = seen + at;
                let text = if end > 0 && self.rest()[end - 1] == b'\r' { end - 1 } else { end };
                return Ok(Some((0..text, end + 1)));
            }
            seen = self.rest().len();
            if self.full() {
                return Err(Failure::new(Some(self.line), "a line is longer than 16 MiB"));
            }
            if !self.more()? && self.ended {
                let end = self.rest().len();
                let text = if self.rest().ends_with(b"\r") { end - 1 } else { end };
                return Ok((end > 0).then_some((0..text, end)));
            }
        }
    }

    /// Moves past bytes of the rest that hold so many line ends.
    pub(crate) fn consume(&mut self, bytes: usize, lines: u64) {
        self.start = (self.start + bytes).min(self.end);
        self.line += lines;
    }
}

fn failure(error: io::Error) -> Failure {
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the compressed file is cut short".to_string(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => format!("the compressed file is damaged: {error}"),
        _ => format!("it cannot be read: {error}"),
    };
    Failure::new(None, what)
}

/// Turns another encoding into UTF-8.
struct Decode {
    reader: Box<dyn Read + Send>,
    decoder: encoding_rs::Decoder,
    raw: Vec<u8>,
    text: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Decode {
    fn refill(&mut self) -> io::Result<()> {
        self.raw.resize(BLOCK, 0);
        let count = self.reader.read(&mut self.raw)?;
        self.ended = count == 0;
        self.text.clear();
        self.at = 0;
        let mut raw = &self.raw[..count];
        loop {
            let filled = self.text.len();
            let room = self.decoder.max_utf8_buffer_length_without_replacement(raw.len()).unwrap_or(4 * BLOCK);
            self.text.resize(filled + room, 0);
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(raw, &mut self.text[filled..], self.ended);
            self.text.truncate(filled + written);
            raw = &raw[read..];
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(..) => self.text.push(MALFORMED),
            }
        }
    }
}

impl Read for Decode {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() && !self.ended {
            self.refill()?;
        }
        let count = out.len().min(self.text.len() - self.at);
        out[..count].copy_from_slice(&self.text[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn lines(bytes: &[u8], encoding: Option<&str>) -> Result<Vec<Vec<u8>>, Failure> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        std::fs::write(&path, bytes).unwrap();
        let encoding = encoding.map(|label| Encoding::for_label(label.as_bytes()).unwrap());
        let mut input = Input::open(&path, encoding)?;
        let mut lines = Vec::new();
        while let Some((text, bytes)) = input.next_line()? {
            lines.push(input.rest()[text].to_vec());
            input.consume(bytes, 1);
        }
        assert_eq!(input.line_number() as usize, lines.len() + 1);
        Ok(lines)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn line_ends_and_byte_order_marks_are_no_text() {
        assert_eq!(lines("\u{feff}a\r\nb\n\nc".as_bytes(), None).unwrap(), [&b"a"[..], b"b", b"", b"c"]);
        assert_eq!(lines(b"", None).unwrap().len(), 0);
        let long = "x".repeat(3 * BLOCK);
        assert_eq!(lines(format!("{long}\n{long}").as_bytes(), None).unwrap()[1].len(), 3 * BLOCK);
    }

    #[test]
    fn gzip_is_known_by_its_bytes_and_a_cut_is_an_error() {
        let packed = gzip(b"a\nb\n");
        assert_eq!(lines(&packed, None).unwrap(), [b"a", b"b"]);
        assert_eq!(lines(&[packed.clone(), gzip(b"c")].concat(), None).unwrap().len(), 3, "members follow each other");
        for cut in 4..packed.len() {
            assert!(lines(&packed[..cut], None).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn other_encodings_become_utf8_and_what_they_forbid_is_marked() {
        assert_eq!(lines(b"caf\xe9", Some("latin1")).unwrap(), ["café".as_bytes()]);
        assert_eq!(lines(b"\xff\xfea\0\n\0b\0", Some("utf-16le")).unwrap(), [b"a", b"b"]);
        assert_eq!(lines(b"a\x81\nb", Some("shift_jis")).unwrap(), [&b"a\xff"[..], b"b"]);
    }

    #[test]
    fn formats_that_are_not_read_say_so() {
        assert!(lines(b"PAR1....", None).unwrap_err().what.contains("Parquet"));
        assert!(lines(b"\x28\xb5\x2f\xfd...", None).unwrap_err().what.contains("zstd"));
    }
}
