//! Networks as EC2 writes them back: host bits cleared, IPv6 in its short form.

use std::net::IpAddr;

/// `10.0.1.7/16` becomes `10.0.0.0/16`. What is no network (a prefix list's id) stays as it is.
pub fn canonical(text: &str) -> String {
    let parsed = text.split_once('/').and_then(|(address, length)| {
        Some((address.parse::<IpAddr>().ok()?, length.parse::<u32>().ok()?))
    });
    match parsed {
        Some((IpAddr::V4(v4), length @ 0..=32)) => {
            let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            let network = std::net::Ipv4Addr::from_bits(v4.to_bits() & mask);
            format!("{network}/{length}")
        }
        Some((IpAddr::V6(v6), length @ 0..=128)) => {
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            let network = std::net::Ipv6Addr::from_bits(v6.to_bits() & mask);
            format!("{network}/{length}")
        }
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn host_bits_are_cleared_and_other_texts_left() {
        for (text, network) in [
            ("100.68.0.18/18", "100.68.0.0/18"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("10.1.2.3/32", "10.1.2.3/32"),
            ("2001:DB8:0:0:1::/48", "2001:db8::/48"),
            ("::/0", "::/0"),
            ("pl-6da54004", "pl-6da54004"),
            ("10.0.0.0/33", "10.0.0.0/33"),
        ] {
            assert_eq!(canonical(text), network);
        }
    }
}
