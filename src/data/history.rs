//! Histories: events sorted once by (key, time, row); what a sample sees of them is a range.

/// The events of an axis, sorted.
#[derive(Debug)]
pub(crate) struct Events {
    /// Rows of their table, by (key, time, row).
    pub(crate) order: Vec<u32>,
    /// Where the events of each key begin; one more than there are keys.
    pub(crate) starts: Vec<u32>,
}

/// Which events a sample may see.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    /// The newest so many.
    pub(crate) last: u32,
    /// Seconds before the sample in which nothing is seen.
    pub(crate) delay: f64,
    /// What happens to events of the sample's own time.
    pub(crate) ties: Tied,
}

/// Events of the sample's own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tied {
    /// Are not seen.
    Out,
    /// Are seen if they stand in an earlier row than the sample's, which is one of their table.
    ByRow,
    /// Are seen: the sample comes after everything that was recorded.
    In,
}

/// Sorts the marked rows. Key 0 is null and has no events.
pub(crate) fn sort(keys: &[u32], times: &[f64], marked: &[u8], key_count: usize) -> Events {
    let mut starts = vec![0_u32; key_count + 2];
    let is_event = |row: usize| marked[row] != 0 && keys[row] != 0;
    for row in (0..keys.len()).filter(|&row| is_event(row)) {
        starts[keys[row] as usize + 1] += 1;
    }
    for key in 1..starts.len() {
        starts[key] += starts[key - 1];
    }
    let mut next = starts.clone();
    let mut order = vec![0_u32; starts.last().copied().unwrap_or(0) as usize];
    for row in (0..keys.len()).filter(|&row| is_event(row)) {
        let place = &mut next[keys[row] as usize];
        order[*place as usize] = row as u32;
        *place += 1;
    }
    if !times.is_empty() {
        for pair in starts.windows(2) {
            // Stable, so that rows of one time keep the order of the file.
            order[pair[0] as usize..pair[1] as usize].sort_by(|&a, &b| times[a as usize].total_cmp(&times[b as usize]));
        }
    }
    Events { order, starts }
}

/// The events that a sample sees: first and count, oldest first. `time_of` and `row_of` give an event's time and row by
/// its place; `times` are none where the data has no time.
pub(crate) fn view(
    starts: &[u32],
    key: u32,
    sample: Option<f64>,
    row: u32,
    sight: Sight,
    time_of: impl Fn(usize) -> f64,
    row_of: impl Fn(usize) -> u32,
) -> (u32, u32) {
    let key = key as usize;
    let (Some(&start), Some(&end)) = (starts.get(key), starts.get(key + 1)) else { return (0, 0) };
    if key == 0 {
        return (0, 0);
    }
    let seen = |event: usize| match (sample, sight.ties) {
        (None, Tied::ByRow) => row_of(event) < row,
        (None, Tied::In) => true,
        (None, Tied::Out) => false,
        (Some(time), Tied::ByRow) if sight.delay == 0.0 => {
            time_of(event) < time || (time_of(event) == time && row_of(event) < row)
        }
        (Some(time), Tied::In) if sight.delay == 0.0 => time_of(event) <= time,
        (Some(time), _) => time_of(event) + sight.delay < time,
    };
    // Events are sorted, so those that are seen come first.
    let (mut low, mut high) = (start as usize, end as usize);
    while low < high {
        let middle = low + (high - low) / 2;
        if seen(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    let count = (low as u32 - start).min(sight.last);
    (low as u32 - count, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [u32; 7] = [1, 2, 1, 1, 1, 0, 1];
    const TIMES: [f64; 7] = [5.0, 1.0, 3.0, 5.0, 7.0, 2.0, 5.0];

    /// The rows that a sample sees.
    fn seen(key: u32, time: f64, row: u32, last: u32, delay: f64, ties: Tied) -> Vec<u32> {
        let events = sort(&KEYS, &TIMES, &[1, 1, 1, 1, 1, 1, 0], 2);
        let sight = Sight { last, delay, ties };
        let time_of = |event: usize| TIMES[events.order[event] as usize];
        let (start, count) = view(&events.starts, key, Some(time), row, sight, time_of, |event| events.order[event]);
        events.order[start as usize..(start + count) as usize].to_vec()
    }

    #[test]
    fn a_history_holds_strictly_earlier_events_oldest_first() {
        assert_eq!(seen(1, 8.0, 9, 50, 0.0, Tied::Out), [2, 0, 3, 4], "row 6 is not marked");
        assert_eq!(seen(1, 5.0, 3, 50, 0.0, Tied::Out), [2], "events of its own time are left out");
        assert_eq!(seen(1, 5.0, 3, 50, 0.0, Tied::ByRow), [2, 0], "or those of later rows are");
        assert_eq!(seen(1, 5.0, 0, 50, 0.0, Tied::In), [2, 0, 3]);
        assert_eq!(seen(1, 3.0, 2, 50, 0.0, Tied::Out), [0_u32; 0]);
    }

    #[test]
    fn the_newest_are_kept_and_a_delay_hides_the_newest() {
        assert_eq!(seen(1, 8.0, 9, 2, 0.0, Tied::Out), [3, 4]);
        assert_eq!(seen(1, 8.0, 9, 2, 1.0, Tied::Out), [0, 3], "7 + 1 is not before 8");
        assert_eq!(seen(1, 8.0, 9, 50, 3.5, Tied::ByRow), [2]);
    }

    #[test]
    fn nobody_and_unknown_keys_have_no_history() {
        assert_eq!(seen(0, 8.0, 9, 50, 0.0, Tied::Out), [0_u32; 0]);
        assert_eq!(seen(3, 8.0, 9, 50, 0.0, Tied::Out), [0_u32; 0]);
        assert_eq!(seen(u32::MAX, 8.0, 9, 50, 0.0, Tied::Out), [0_u32; 0]);
    }

    #[test]
    fn without_time_the_row_decides() {
        let events = sort(&[1, 2, 1, 1], &[], &[1; 4], 2);
        let sight = Sight { last: 9, delay: 0.0, ties: Tied::ByRow };
        assert_eq!(view(&events.starts, 1, None, 3, sight, |_| 0.0, |event| events.order[event]), (0, 2));
    }
}
