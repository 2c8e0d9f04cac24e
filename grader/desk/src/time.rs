//! Parsing and formatting of times, and intervals of calendar days and seconds.

use anyhow::{Context, Result, bail, ensure};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Span, Timestamp, Unit, ZonedDateTime};
use std::fmt;

/// The longest interval, in days.
const LONGEST: i64 = 3650;

/// An interval: calendar days, which may have 23 or 25 hours, and seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Calendar days.
    pub days: i64,
    /// Seconds, besides.
    pub seconds: i64,
}

impl Interval {
    /// An interval of whole days.
    pub fn of_days(days: u32) -> Self {
        Self {
            days: days.into(),
            seconds: 0,
        }
    }

    /// Parses `2d`, `36h`, `1d 12h`, `90min`, `1w` or `0`.
    ///
    /// # Errors
    /// Returns an error if it is not an interval, is negative, holds months or years, or exceeds ten years.
    pub fn parse(text: &str) -> Result<Self> {
        let example = "write it as 3d, 36h or 1d 12h";
        if text.trim() == "0" {
            return Ok(Self::default());
        }
        let span: Span = text
            .trim()
            .parse()
            .ok()
            .with_context(|| format!("`{text}` is not an interval: {example}"))?;
        ensure!(
            !span.is_negative(),
            "`{text}` is negative: an interval begins with 0"
        );
        ensure!(
            span.get_years() == 0 && span.get_months() == 0,
            "`{text}` holds months or years, which differ in length: {example}"
        );
        let days = i64::from(span.get_weeks()) * 7 + i64::from(span.get_days());
        let clock = Span::new()
            .hours(span.get_hours())
            .minutes(span.get_minutes())
            .seconds(span.get_seconds());
        let seconds = clock.total(Unit::Second)?;
        ensure!(
            days <= LONGEST && seconds <= (LONGEST * 86_400) as f64,
            "`{text}` is longer than ten years"
        );
        Ok(Self {
            days,
            seconds: seconds as i64,
        })
    }

    /// Returns whether it is 0.
    pub fn is_zero(self) -> bool {
        self == Self::default()
    }

    /// The instant that lies this interval after `instant`; a day later is the same time of day in the zone.
    pub fn after(self, instant: Timestamp, zone: &TimeZone) -> Timestamp {
        if self.is_zero() {
            return instant;
        }
        let span = Span::new().days(self.days).seconds(self.seconds);
        let zoned = instant.to_zoned_datetime(zone.clone());
        zoned.saturating_add(span).timestamp()
    }
}

impl fmt::Display for Interval {
    /// Formats it as it is parsed: `1d 12h`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hours, minutes, seconds) = (
            self.seconds / 3600,
            self.seconds / 60 % 60,
            self.seconds % 60,
        );
        let parts = [
            (self.days, "d"),
            (hours, "h"),
            (minutes, "min"),
            (seconds, "s"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count != 0);
        let parts: Vec<_> = parts
            .map(|(count, unit)| format!("{count}{unit}"))
            .collect();
        match parts.as_slice() {
            [] => f.write_str("0"),
            parts => f.write_str(&parts.join(" ")),
        }
    }
}

/// Parses a time: with an offset (`2026-12-14T23:59:00+01:00`, `…Z`), or without one, in `zone`.
///
/// # Errors
/// Returns an error if it is not a time, has no time of day, falls into an hour that the zone skips or repeats, or is not in
/// the years 1970 to 2999.
pub fn parse_time(text: &str, zone: &TimeZone) -> Result<Timestamp> {
    let time = parse_any_time(text.trim(), zone)?;
    let year = time.to_zoned_datetime(TimeZone::UTC).year();
    ensure!(
        (1970..3000).contains(&year),
        "`{text}` is in the year {year}: write the year with four digits, as 2026-12-14T23:59"
    );
    Ok(time)
}

fn parse_any_time(text: &str, zone: &TimeZone) -> Result<Timestamp> {
    if let Ok(zoned) = text.parse::<ZonedDateTime>() {
        return Ok(zoned.timestamp());
    }
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let civil: DateTime = text.parse().ok().with_context(|| {
        format!("`{text}` is not a time: write it as 2026-12-14T23:59, or with an offset as 2026-12-14T23:59:00+01:00")
    })?;
    if !text.contains(':') {
        bail!("`{text}` has no time of day: write it as {text}T23:59");
    }
    let ambiguous = zone.to_ambiguous_timestamp(civil);
    let fault = match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } => return Ok(ambiguous.unambiguous()?),
        AmbiguousOffset::Gap { .. } => "does not exist",
        AmbiguousOffset::Fold { .. } => "occurs twice",
    };
    bail!(
        "`{text}` {fault} in {}, where clocks are changed: write it with an offset, as 2026-12-14T23:59:00+01:00",
        zone_name(zone)
    )
}

/// The zone's name.
pub fn zone_name(zone: &TimeZone) -> &str {
    zone.iana_name().unwrap_or("UTC")
}

/// A time as people read it, in a zone: `2026-12-14 23:59:00 CET`.
pub fn shown(instant: Timestamp, zone: &TimeZone) -> String {
    let zoned = instant.to_zoned_datetime(zone.clone());
    zoned.strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// A number of seconds as people read it, in days of 24 hours: `1d 2h`, `3min 5s`.
pub fn shown_seconds(seconds: i64) -> String {
    let interval = Interval {
        days: seconds / 86_400,
        seconds: seconds % 86_400,
    };
    interval.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").expect("a zone")
    }

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn times_with_an_offset_and_times_of_the_zone_are_the_same_instant() {
        let due = at("2026-12-14T22:59:00Z");
        for text in [
            "2026-12-14T23:59",
            "2026-12-14 23:59:00",
            "2026-12-14T23:59:00+01:00",
            "2026-12-14T22:59:00Z",
            "2026-12-14T23:59:00+01:00[Europe/Berlin]",
        ] {
            assert_eq!(parse_time(text, &berlin()).expect(text), due, "{text}");
        }
    }

    #[test]
    fn times_that_a_change_of_clocks_leaves_out_or_repeats_are_refused() {
        let fault = |text| parse_time(text, &berlin()).expect_err(text).to_string();
        assert!(fault("2026-03-29T02:30").contains("does not exist in Europe/Berlin"));
        assert!(fault("2026-10-25T02:30").contains("occurs twice in Europe/Berlin"));
        assert!(fault("2026-12-14").contains("no time of day"));
        assert!(fault("tomorrow").contains("is not a time"));
    }

    #[test]
    fn a_day_later_is_the_same_time_of_day_where_clocks_change() {
        // Europe/Berlin went from +02:00 to +01:00 on 2026-10-25: that day has 25 hours.
        let due = at("2026-10-24T21:59:00Z");
        let later = Interval::of_days(1).after(due, &berlin());
        assert_eq!(later, at("2026-10-25T22:59:00Z"));
        let hours = Interval::parse("24h").expect("an interval");
        assert_eq!(hours.after(due, &berlin()), at("2026-10-25T21:59:00Z"));
    }

    #[test]
    fn intervals_are_parsed_and_shown_alike() {
        for (text, days, seconds) in [
            ("0", 0, 0),
            ("3d", 3, 0),
            ("1w", 7, 0),
            ("36h", 0, 129_600),
            ("1d 12h", 1, 43_200),
            ("15min", 0, 900),
            ("90s", 0, 90),
        ] {
            let interval = Interval::parse(text).expect(text);
            assert_eq!((interval.days, interval.seconds), (days, seconds), "{text}");
            let shown = interval.to_string();
            assert_eq!(Interval::parse(&shown).expect(&shown), interval);
        }
        for text in ["-1d", "1mo", "2y", "soon", "", "99999d"] {
            assert!(Interval::parse(text).is_err(), "{text}");
        }
    }
}
