//! Times as seconds since 1970 in UTC: units, ISO dates, zones, and the parts of a local date.

use super::zone::Zone;

/// How the time column of a source is read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Clock {
    /// Seconds in a unit of the column; none: seconds, or ISO 8601 dates.
    pub(crate) unit: Option<f64>,
    /// Where dates without an offset are meant, and where `hour` looks at the clock.
    pub(crate) zone: Zone,
}

/// Names of units and their seconds.
pub(crate) const UNITS: &[(&str, f64)] = &[("s", 1.0), ("ms", 1e-3), ("us", 1e-6), ("ns", 1e-9), ("day", 86_400.0)];

impl Clock {
    /// What [`Clock::seconds`] accepts, for messages.
    pub(crate) fn expects(&self) -> &'static str {
        if self.unit.is_some() { "a number of its unit" } else { "a time: seconds or an ISO 8601 date" }
    }

    /// The time that a text says. Distinct times stay distinct down to about a microsecond, the precision of f64.
    pub(crate) fn seconds(&self, text: &str) -> Option<f64> {
        let text = text.trim();
        if let Ok(number) = text.parse::<f64>() {
            // Milliseconds and shorter are divided: 1/1000 has no exact f64, 1000 has.
            let seconds = match self.unit {
                Some(unit) if unit < 1.0 => number / (1.0 / unit).round(),
                Some(unit) => number * unit,
                None => number,
            };
            return seconds.is_finite().then_some(seconds);
        }
        if self.unit.is_some() { None } else { iso(text, &self.zone) }
    }

    /// Hour of the local day, 0 to 23.
    pub(crate) fn hour(&self, seconds: f64) -> f64 {
        (self.local(seconds).rem_euclid(86_400.0) / 3600.0).floor()
    }

    /// Day of the local month, 1 to 31.
    pub(crate) fn day(&self, seconds: f64) -> f64 {
        civil((self.local(seconds) / 86_400.0).floor() as i64).2 as f64
    }

    /// Day of the local week, Monday 0 to Sunday 6.
    pub(crate) fn weekday(&self, seconds: f64) -> f64 {
        // 1970-01-01 was a Thursday.
        ((self.local(seconds) / 86_400.0).floor() + 3.0).rem_euclid(7.0)
    }

    fn local(&self, seconds: f64) -> f64 {
        seconds + self.zone.offset(seconds)
    }
}

/// `2017-05-11`, `2017/5/11 12:30`, `2017-05-11T12:30:05.25+08:00`. Eight digits are no date but a number, hence seconds.
fn iso(text: &str, zone: &Zone) -> Option<f64> {
    let (date, time) = match text.split_once(['T', ' ', 't']) {
        Some((date, time)) => (date, time.trim()),
        None => (text, ""),
    };
    let mut fields = date.split(['-', '/']);
    let mut next = |digits: usize| fields.next().filter(|field| field.len() <= digits).and_then(number);
    let (year, month, day) = (next(4)?, next(2)?, next(2)?);
    if fields.next().is_some() || !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    let midnight = days_from_civil(year, month, day) as f64 * 86_400.0;
    let (clock, offset) = cut_offset(time)?;
    let local = midnight + seconds_of_day(clock)?;
    Some(match offset {
        Some(offset) => local - offset,
        // The offset in force is looked up twice, since the first guess may lie across a change.
        None => local - zone.offset(local - zone.offset(local)),
    })
}

fn number(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Parts `12:30Z` and `12:30+08:00` from their offset in seconds.
fn cut_offset(time: &str) -> Option<(&str, Option<f64>)> {
    if let Some(clock) = time.strip_suffix(['Z', 'z']) {
        return Some((clock, Some(0.0)));
    }
    match time.rfind(['+', '-']) {
        None => Some((time, None)),
        Some(at) => Some((time.get(..at)?.trim_end(), Some(super::zone::fixed(time.get(at..)?)?))),
    }
}

fn seconds_of_day(clock: &str) -> Option<f64> {
    if clock.is_empty() {
        return Some(0.0);
    }
    let mut fields = clock.split(':');
    let (hour, minute) = (number(fields.next()?)?, number(fields.next()?)?);
    let second = fields.next().unwrap_or("0");
    let plain = second.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let second: f64 = second.parse().ok().filter(|second| plain && (0.0..61.0).contains(second))?;
    let fits = hour <= 24 && minute < 60 && fields.next().is_none();
    fits.then_some(hour as f64 * 3600.0 + minute as f64 * 60.0 + second)
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the proleptic Gregorian calendar. Years begin in March, so that the leap day is last.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, month) = (year.div_euclid(400), (month + 9) % 12);
    let of_era = year.rem_euclid(400);
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// The date that is so many days after 1970-01-01: year, month, day.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(unit: Option<f64>, zone: &str) -> Clock {
        Clock { unit, zone: Zone::named(zone).unwrap() }
    }

    #[test]
    fn units_become_seconds() {
        assert_eq!(clock(Some(1e-3), "UTC").seconds("1500"), Some(1.5));
        assert_eq!(clock(Some(86_400.0), "UTC").seconds("2"), Some(172_800.0));
        assert_eq!(clock(Some(1.0), "UTC").seconds("2017-05-11"), None, "a unit means numbers");
        let ms = clock(Some(1e-3), "UTC");
        assert!(ms.seconds("1260759144001") > ms.seconds("1260759144000"));
    }

    #[test]
    fn iso_dates_are_read_with_their_offset_or_zone() {
        let utc = clock(None, "UTC");
        assert_eq!(utc.seconds("1970-01-02"), Some(86_400.0));
        assert_eq!(utc.seconds("2009-12-14T02:52:24Z"), Some(1_260_759_144.0));
        assert_eq!(utc.seconds("2009-12-14 10:52:24.5+08:00"), Some(1_260_759_144.5));
        assert_eq!(clock(None, "+08:00").seconds("2009-12-14 10:52:24"), Some(1_260_759_144.0));
        assert_eq!(utc.seconds("1969-12-31 23:59"), Some(-60.0));
        for wrong in ["", "2017-02-29", "2017-13-01", "2017-05", "11.05.2017", "2017-05-11T25:00", "2017-05-11T12", "x"]
        {
            assert_eq!(utc.seconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn parts_of_a_date_are_local() {
        // 2009-12-14 02:52:24 UTC, a Monday.
        let at = 1_260_759_144.0;
        let parts = |clock: &Clock| (clock.hour(at), clock.day(at), clock.weekday(at));
        assert_eq!(parts(&clock(None, "UTC")), (2.0, 14.0, 0.0));
        assert_eq!(parts(&clock(None, "-05:00")), (21.0, 13.0, 6.0));
    }

    #[test]
    fn days_and_dates_are_inverse() {
        for days in (-800_000..800_000).step_by(97) {
            let (year, month, day) = civil(days);
            assert_eq!(days_from_civil(year, month, day), days);
        }
    }
}
