//! Time zones: fixed offsets, and names looked up in the system's zone database (RFC 8536 files).

use std::path::Path;

/// Where names of zones are looked up.
const DATABASE: &str = "/usr/share/zoneinfo";

/// Offsets from UTC over time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Zone {
    /// Seconds since 1970 from which an offset in seconds holds, ascending; 0 before the first.
    changes: Vec<(f64, f64)>,
}

impl Zone {
    /// `UTC`, `+08:00`, or an IANA name such as `Asia/Shanghai`; none if the name is unknown here.
    pub(crate) fn named(name: &str) -> Option<Zone> {
        if matches!(name, "UTC" | "Z" | "Etc/UTC" | "GMT") {
            return Some(Zone::default());
        }
        if let Some(offset) = fixed(name) {
            return Some(Zone { changes: vec![(f64::NEG_INFINITY, offset)] });
        }
        let inside = name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'));
        let bytes = inside.then(|| std::fs::read(Path::new(DATABASE).join(name)).ok()).flatten()?;
        read(&bytes)
    }

    /// Seconds to add to UTC at a time.
    pub(crate) fn offset(&self, seconds: f64) -> f64 {
        let after = self.changes.partition_point(|(from, _)| *from <= seconds);
        after.checked_sub(1).and_then(|at| self.changes.get(at)).map_or(0.0, |(_, offset)| *offset)
    }
}

/// `+08:00`, `-0530`, `+8` in seconds.
pub(crate) fn fixed(text: &str) -> Option<f64> {
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let digits: String = text.strip_prefix(['+', '-'])?.chars().filter(|c| *c != ':').collect();
    if !matches!(digits.len(), 1 | 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = digits.split_at(digits.len().min(2));
    let (hours, minutes): (f64, f64) = (hours.parse().ok()?, minutes.parse().unwrap_or(0.0));
    (hours < 24.0 && minutes < 60.0).then_some(sign * (hours * 3600.0 + minutes * 60.0))
}

/// The end of 2037, up to which most zone files list every change.
const LISTED_UNTIL: f64 = 2_145_916_800.0;

/// Reads the 64-bit part of a zone file. Past its last change the last offset stays in force: rules for summer time to
/// come, which stand in the footer as text, are not read, so a file that leaves nearer years to them is refused.
fn read(bytes: &[u8]) -> Option<Zone> {
    let first = Header::read(bytes)?;
    let body = bytes.get(44 + first.size(4)..)?;
    let header = Header::read(body)?;
    let body = body.get(44..)?;
    let (times, rest) = body.split_at_checked(8 * header.times)?;
    let (kinds, rest) = rest.split_at_checked(header.times)?;
    let types = rest.get(..6 * header.types)?;
    let footer = body.get(header.size(8)..)?;
    let offset = |kind: usize| Some(f64::from(i32::from_be_bytes(types.get(6 * kind..6 * kind + 4)?.try_into().ok()?)));
    let mut changes = vec![(f64::NEG_INFINITY, offset(0)?)];
    for (time, kind) in times.chunks_exact(8).zip(kinds) {
        changes.push((i64::from_be_bytes(time.try_into().ok()?) as f64, offset(usize::from(*kind))?));
    }
    let listed = changes.last().is_some_and(|(last, _)| *last > LISTED_UNTIL - 366.0 * 86_400.0);
    (listed || !footer.contains(&b',')).then_some(Zone { changes })
}

/// The counts in front of a part of a zone file.
struct Header {
    universal: usize,
    standard: usize,
    leaps: usize,
    times: usize,
    types: usize,
    letters: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Header> {
        let version = bytes.get(4)?;
        if !bytes.starts_with(b"TZif") || *version < b'2' {
            return None;
        }
        let count =
            |at: usize| Some(u32::from_be_bytes(bytes.get(20 + 4 * at..24 + 4 * at)?.try_into().ok()?) as usize);
        Some(Header {
            universal: count(0)?,
            standard: count(1)?,
            leaps: count(2)?,
            times: count(3)?,
            types: count(4)?,
            letters: count(5)?,
        })
    }

    /// Bytes of the part behind the header, with times of so many bytes.
    fn size(&self, time: usize) -> usize {
        self.times * (time + 1)
            + self.types * 6
            + self.letters
            + self.leaps * (time + 4)
            + self.standard
            + self.universal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_offsets_are_read() {
        assert_eq!(["+08:00", "-0530", "+8"].map(fixed), [Some(28_800.0), Some(-19_800.0), Some(28_800.0)]);
        assert_eq!(["8", "+", "+123", "+25:00", "+08:xx"].map(fixed), [None; 5]);
        assert_eq!(Zone::named("Nowhere/At_all"), None);
        assert_eq!(Zone::named("../../etc/passwd"), None);
    }

    #[test]
    fn a_zone_file_gives_the_offset_in_force() {
        // Two offsets: +1 h, and +2 h from time 1000 on.
        let mut bytes = b"TZif2".to_vec();
        bytes.extend([0; 15 + 24]);
        bytes.extend(b"TZif2");
        bytes.extend([0; 15]);
        for count in [0_u32, 0, 0, 1, 2, 0] {
            bytes.extend(count.to_be_bytes());
        }
        bytes.extend(1000_i64.to_be_bytes());
        bytes.push(1);
        for offset in [3600_i32, 7200] {
            bytes.extend(offset.to_be_bytes());
            bytes.extend([0, 0]);
        }
        bytes.extend(b"\nXYZ-2\n");
        let zone = read(&bytes).unwrap();
        assert_eq!([zone.offset(-5.0), zone.offset(999.0), zone.offset(1000.0)], [3600.0, 3600.0, 7200.0]);
        (0..bytes.len() - 7).for_each(|cut| assert!(read(&bytes[..cut]).is_none(), "cut at {cut}"));
        bytes.extend(b"EST5EDT,M3.2.0,M11.1.0\n");
        assert_eq!(read(&bytes), None, "summer times to come that are not listed");
    }
}
