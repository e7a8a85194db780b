//! Whether two records speak of the same place, and how much is known of one.

use chrono::{DateTime, Utc};

/// Similarity of two names, 0 to 1: shared pairs of letters (Sørensen–Dice), case and punctuation aside.
#[must_use]
#[allow(clippy::cast_precision_loss)] // names are short
pub fn name_similarity(one: &str, other: &str) -> f64 {
    let pairs = |text: &str| -> Vec<(char, char)> {
        let letters: Vec<char> = text
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric())
            .collect();
        letters.windows(2).map(|w| (w[0], w[1])).collect()
    };
    let (a, mut b) = (pairs(one), pairs(other));
    if a.is_empty() || b.is_empty() {
        return if one.trim().eq_ignore_ascii_case(other.trim()) {
            1.0
        } else {
            0.0
        };
    }
    let size = a.len() + b.len();
    let shared = a
        .iter()
        .filter(|pair| {
            b.iter()
                .position(|p| p == *pair)
                .map(|i| b.swap_remove(i))
                .is_some()
        })
        .count();
    2.0 * shared as f64 / size as f64
}

/// 0.6 name, 0.3 nearness within `limit_m`, 0.1 category.
#[must_use]
pub fn match_score(
    name_similarity: f64,
    distance_m: f64,
    limit_m: f64,
    same_category: bool,
) -> f64 {
    let nearness = (1.0 - distance_m / limit_m).clamp(0.0, 1.0);
    0.6 * name_similarity + 0.3 * nearness + if same_category { 0.1 } else { 0.0 }
}

/// 0.3 phone, 0.3 hours, 0.2 photos, 0.2 enriched within 14 days.
#[must_use]
pub fn quality(phone: bool, hours: bool, photos: bool, enriched: Option<DateTime<Utc>>) -> f64 {
    let fresh = enriched.is_some_and(|at| Utc::now() - at < chrono::Duration::days(14));
    let part = |has: bool, weight: f64| if has { weight } else { 0.0 };
    part(phone, 0.3) + part(hours, 0.3) + part(photos, 0.2) + part(fresh, 0.2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_name_written_differently_is_similar() {
        assert!(name_similarity("Java Café", "JAVA  cafe") > 0.7);
        assert!(name_similarity("Java Café", "City Bank") < 0.2);
        assert!((name_similarity("x", "X") - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn quality_adds_up() {
        assert!((quality(true, true, true, Some(Utc::now())) - 1.0).abs() < 1e-9);
        assert!(quality(false, false, false, None).abs() < 1e-9);
    }
}
