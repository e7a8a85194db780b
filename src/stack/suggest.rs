//! The nearest right word.

/// The known word that `wrong` most likely was meant to be, if one is near enough.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |word: &str| word.to_lowercase().replace(['-', '.', ' '], "_");
    let wrong = plain(wrong);
    known
        .into_iter()
        .map(|word| (score(&wrong, &plain(word)), word))
        .filter(|(score, _)| *score >= 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))
        .map(|(_, word)| word)
}

fn score(wrong: &str, known: &str) -> f64 {
    if wrong == known {
        return 2.0;
    }
    let edits = strsim::damerau_levenshtein(wrong, known);
    let longest = wrong.chars().count().max(known.chars().count()).max(1);
    let by_edits = if edits <= 2 && longest > 3 {
        1.0 - edits as f64 * 0.1
    } else if edits == 1 {
        0.85
    } else {
        0.0
    };
    // `cidr_block` for `cidr`, `instance_type` for `instance_class`.
    let shared = wrong.len() >= 3
        && known.len() >= 3
        && (wrong.starts_with(known) || known.starts_with(wrong));
    let by_start = if shared { 0.8 } else { 0.0 };
    by_edits
        .max(by_start)
        .max(strsim::jaro_winkler(wrong, known) - 0.12)
}

/// "did you mean `x`?", or else the list of what is there when it is short.
pub fn did_you_mean<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut known: Vec<&str> = known.into_iter().collect();
    let mut met = std::collections::BTreeSet::new();
    known.retain(|word| met.insert(*word));
    if let Some(word) = nearest(wrong, known.iter().copied()) {
        return Some(format!("did you mean `{word}`?"));
    }
    match known.len() {
        0 => None,
        1..=24 => Some(format!("one of {}", list(&known))),
        _ => None,
    }
}

/// `a`, `b` and so on, in backquotes.
pub fn list<S: AsRef<str>>(words: &[S]) -> String {
    words
        .iter()
        .map(|word| format!("`{}`", word.as_ref()))
        .collect::<Vec<_>>()
        .join(", ")
}
