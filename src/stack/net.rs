//! Networks in CIDR notation.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IPv4 or IPv6 network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Net {
    address: IpAddr,
    pub prefix: u8,
}

impl Net {
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        if prefix.is_empty() || !prefix.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let prefix: u8 = prefix.parse().ok()?;
        (prefix <= bits(address)).then_some(Self { address, prefix })
    }

    /// First and last address, as numbers.
    fn range(self) -> (u128, u128) {
        let host = u32::from(bits(self.address) - self.prefix);
        let mask = 1u128.checked_shl(host).map_or(u128::MAX, |size| size - 1);
        let number = number(self.address);
        (number & !mask, number | mask)
    }

    pub fn is_canonical(self) -> bool {
        self.range().0 == number(self.address)
    }

    /// With host bits cleared.
    pub fn canonical(self) -> String {
        let first = self.range().0;
        let address = match self.address {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from(u32::try_from(first).unwrap_or(0))),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from(first)),
        };
        format!("{address}/{}", self.prefix)
    }

    pub fn is_v4(self) -> bool {
        self.address.is_ipv4()
    }

    pub fn overlaps(self, other: Net) -> bool {
        let (a, b) = (self.range(), other.range());
        self.is_v4() == other.is_v4() && a.0 <= b.1 && b.0 <= a.1
    }

    pub fn contains(self, other: Net) -> bool {
        let (a, b) = (self.range(), other.range());
        self.is_v4() == other.is_v4() && a.0 <= b.0 && b.1 <= a.1
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

#[cfg(test)]
mod tests {
    use super::Net;

    fn net(text: &str) -> Net {
        Net::parse(text).unwrap()
    }

    #[test]
    fn reads_canonicalises_and_compares() {
        assert!(net("10.0.0.0/16").contains(net("10.0.255.0/24")));
        assert!(!net("10.0.0.0/16").contains(net("10.1.0.0/24")));
        assert!(net("10.0.0.0/23").overlaps(net("10.0.1.0/24")));
        assert!(!net("10.0.0.0/24").overlaps(net("10.0.1.0/24")));
        assert!(!net("0.0.0.0/0").overlaps(net("::/0")));
        assert!(net("::/0").contains(net("2001:db8::/32")));
        assert_eq!(net("10.0.1.7/24").canonical(), "10.0.1.0/24");
        assert!(!net("10.0.1.7/24").is_canonical());
        for wrong in [
            "10.0.0.0",
            "10.0.0.0/33",
            "10.0.0/8",
            "x/8",
            "10.0.0.0/+8",
            "10.0.0.0/",
        ] {
            assert_eq!(Net::parse(wrong), None, "{wrong}");
        }
    }
}
