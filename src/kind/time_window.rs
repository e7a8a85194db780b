//! Maintenance and backup windows: `hh:mm-hh:mm` of every day and `ddd:hh:mm-ddd:hh:mm` of every week, in UTC (RDS API reference,
//! CreateDBInstance).

const DAY: u32 = 24 * 60;
const WEEK: u32 = 7 * DAY;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A window of every day, in minutes from midnight UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DailyWindow {
    start: u32,
    end: u32,
}

impl DailyWindow {
    pub fn parse(text: &str) -> Option<Self> {
        let (start, end) = text.split_once('-')?;
        Some(Self {
            start: time(start)?,
            end: time(end)?,
        })
    }

    pub fn minutes(self) -> u32 {
        (self.end + DAY - self.start) % DAY
    }

    /// Whether the two share a minute.
    pub fn overlaps(self, week: WeeklyWindow) -> bool {
        (0..7).any(|day| {
            let start = day * DAY + self.start;
            let ahead = |from: u32, to: u32| (to + WEEK - from) % WEEK;
            ahead(start, week.start) < self.minutes() || ahead(week.start, start) < week.minutes()
        })
    }
}

/// A window of every week, in minutes from Monday's midnight UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeeklyWindow {
    start: u32,
    end: u32,
}

impl WeeklyWindow {
    pub fn parse(text: &str) -> Option<Self> {
        let (start, end) = text.split_once('-')?;
        let minute = |text: &str| {
            let (day, hours) = text.split_once(':')?;
            let day = DAYS
                .iter()
                .position(|known| known.eq_ignore_ascii_case(day))?;
            Some(u32::try_from(day).ok()? * DAY + time(hours)?)
        };
        Some(Self {
            start: minute(start)?,
            end: minute(end)?,
        })
    }

    pub fn minutes(self) -> u32 {
        (self.end + WEEK - self.start) % WEEK
    }
}

/// `hh:mm`, with two digits each.
fn time(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, below: u32| {
        let is_two = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        text.parse::<u32>().ok().filter(|n| is_two && *n < below)
    };
    Some(number(hours, 24)? * 60 + number(minutes, 60)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_that_share_a_minute_overlap_on_every_day() {
        let overlap = |daily: &str, weekly: &str| {
            DailyWindow::parse(daily)
                .unwrap()
                .overlaps(WeeklyWindow::parse(weekly).unwrap())
        };
        assert!(overlap("03:00-05:00", "sun:04:00-sun:05:00"));
        assert!(overlap("04:10-04:40", "sun:04:00-sun:05:00"));
        assert!(overlap("23:45-00:30", "mon:00:00-mon:01:00"));
        assert!(!overlap("03:00-04:00", "sun:04:00-sun:05:00"));
        assert!(!overlap("05:00-05:30", "sun:04:00-sun:05:00"));
    }
}
