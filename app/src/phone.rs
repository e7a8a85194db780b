//! Phone numbers, in the one spelling that is stored.

/// What a phone number must be.
pub const EXPECTED: &str = "Phone number must start with + and have 10 to 15 digits";

/// Digits and a leading plus, 10 to 15 digits; everything else is dropped before it is looked at.
#[must_use]
pub fn normalise(phone: &str) -> Option<String> {
    let kept: String = phone
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '+')
        .collect();
    let good = kept.strip_prefix('+').is_some_and(|digits| {
        (10..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
    });
    good.then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::normalise;

    #[test]
    fn phones_are_stripped_and_measured() {
        assert_eq!(
            normalise("+966 (50) 123-4567").as_deref(),
            Some("+966501234567")
        );
        for bad in [
            "0501234567",
            "+123",
            "+1234567890123456",
            "++966501234567",
            "",
            "+96650123456+7",
        ] {
            assert_eq!(normalise(bad), None, "{bad}");
        }
    }
}
