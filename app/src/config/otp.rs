//! The settings of one-time codes, and the caps on them.
//!
//! The caps hold in debug too and cannot be switched off. What they come to is computed in `docs/one-time-codes.md`.

use super::signing_secret;
use super::source::Source;
use crate::secret::Secret;

/// The most guesses per phone and day that keep the chance to guess its code below 1 in 10 000: each is right with 1 in 1 000 000.
const MOST_DAILY_GUESSES: i32 = 99;

#[derive(Debug, Clone)]
pub struct OtpConfig {
    pub secret: Secret,
    pub expiry_minutes: i64,
    /// Adds the throttles of the former service: one code per phone in five minutes, `per_minute` and `burst`.
    pub rate_limit_enabled: bool,
    pub per_minute: i32,
    pub burst: i32,
    pub caps: OtpCaps,
    /// Answers carry the code. Implied by debug.
    pub echo: bool,
    pub sender: SmsSender,
}

/// Caps that all tasks share and that are always on.
#[derive(Debug, Clone)]
pub struct OtpCaps {
    pub codes_per_phone_hour: i32,
    pub codes_per_phone_day: i32,
    pub guesses_per_phone_hour: i32,
    pub guesses_per_phone_day: i32,
    pub codes_per_address_hour: i32,
    pub codes_per_address_day: i32,
    pub guesses_per_address_hour: i32,
    /// Of one task of the service: bounds what many addresses do together.
    pub codes_per_task_minute: i32,
    pub guesses_per_task_minute: i32,
}

/// How one-time codes reach a phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmsSender {
    Sns,
    Log,
}

pub(super) fn read(s: &mut Source, debug: bool) -> OtpConfig {
    OtpConfig {
        secret: signing_secret(s, "OTP_SECRET_KEY", debug),
        expiry_minutes: s.number("OTP_EXPIRY_MINUTES", 10),
        rate_limit_enabled: s.bool("OTP_RATE_LIMIT_ENABLED", false),
        per_minute: s.number("OTP_REQUESTS_PER_MINUTE", 5),
        burst: s.number("OTP_REQUESTS_BURST", 10),
        caps: read_caps(s, debug),
        echo: s.bool("OTP_ECHO", debug),
        sender: read_sender(s, debug),
    }
}

fn read_caps(s: &mut Source, debug: bool) -> OtpCaps {
    let guesses_per_phone_day = cap(s, "OTP_GUESSES_PER_PHONE_DAY", 40);
    if guesses_per_phone_day > MOST_DAILY_GUESSES && !debug {
        s.problem(
            "OTP_GUESSES_PER_PHONE_DAY",
            "must be at most 99: more makes a one-time code too easy to guess",
        );
    }
    OtpCaps {
        codes_per_phone_hour: cap(s, "OTP_CODES_PER_PHONE_HOUR", 5),
        codes_per_phone_day: cap(s, "OTP_CODES_PER_PHONE_DAY", 10),
        guesses_per_phone_hour: cap(s, "OTP_GUESSES_PER_PHONE_HOUR", 20),
        guesses_per_phone_day,
        codes_per_address_hour: cap(s, "OTP_CODES_PER_ADDRESS_HOUR", 20),
        codes_per_address_day: cap(s, "OTP_CODES_PER_ADDRESS_DAY", 100),
        guesses_per_address_hour: cap(s, "OTP_GUESSES_PER_ADDRESS_HOUR", 100),
        codes_per_task_minute: cap(s, "OTP_CODES_PER_TASK_MINUTE", 60),
        guesses_per_task_minute: cap(s, "OTP_GUESSES_PER_TASK_MINUTE", 300),
    }
}

fn cap(s: &mut Source, name: &str, default: i32) -> i32 {
    let value = s.number(name, default);
    if value < 1 {
        s.problem(name, "must be 1 or more");
    }
    value
}

fn read_sender(s: &mut Source, debug: bool) -> SmsSender {
    let default_sender = if debug { "log" } else { "sns" };
    match s.text("SMS_SENDER", default_sender).as_str() {
        "sns" => SmsSender::Sns,
        "log" if debug => SmsSender::Log,
        "log" => {
            s.problem(
                "SMS_SENDER",
                "is `log`, which writes one-time codes to the log; only debug may do that",
            );
            SmsSender::Log
        }
        _ => {
            s.problem("SMS_SENDER", "must be `sns` or `log`");
            SmsSender::Log
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn read_with(name: &str, value: &str, debug: bool) -> Result<OtpConfig, String> {
        let secret = "0123456789abcdef0123456789abcdef";
        let pairs = [("APP_OTP_SECRET_KEY", secret), (name, value)];
        let found: HashMap<String, String> = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut source = Source::new(found);
        let config = read(&mut source, debug);
        source.finish(config).map_err(|error| error.to_string())
    }

    #[test]
    fn the_default_caps_keep_the_chance_to_guess_below_one_in_ten_thousand() {
        let caps = read_with("APP_OTHER", "", false).unwrap().caps;
        assert!(f64::from(caps.guesses_per_phone_day) / 1e6 < 1e-4);
        assert!(caps.guesses_per_phone_hour <= caps.guesses_per_phone_day);
    }

    #[test]
    fn a_cap_cannot_be_switched_off() {
        for (name, value) in [
            ("APP_OTP_GUESSES_PER_PHONE_DAY", "100"),
            ("APP_OTP_GUESSES_PER_PHONE_DAY", "0"),
            ("APP_OTP_CODES_PER_PHONE_HOUR", "0"),
            ("APP_OTP_CODES_PER_ADDRESS_HOUR", "-1"),
        ] {
            let told = read_with(name, value, false).unwrap_err();
            assert!(told.contains(name), "{told}");
        }
        assert!(read_with("APP_OTP_GUESSES_PER_PHONE_DAY", "99", false).is_ok());
    }
}
