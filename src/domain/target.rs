//! Where a webhook may go: an address as an administrator writes it, and the list of places that the configuration allows.
//!
//! What is checked is what is connected to. An address is parsed strictly and put together again from its parts, so that no
//! second reader can understand another place by it; whatever has two meanings is refused. The list is asked again with every
//! network address that a name leads to, each time a connection is made.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

use super::address::Network;

/// Longer ones are nobody's.
const LENGTH_MAX: usize = 2_000;

/// An `http` or `https` address without user, password or fragment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub encrypted: Encrypted,
    pub host: Host,
    pub port: u16,
    /// Begins with a slash; the query with it.
    path: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encrypted {
    Yes,
    No,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// In lower case.
    Name(String),
    Address(IpAddr),
}

/// Why a text is no target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotATarget(&'static str);

impl fmt::Display for NotATarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl FromStr for Target {
    type Err = NotATarget;

    fn from_str(text: &str) -> Result<Self, NotATarget> {
        if text.len() > LENGTH_MAX {
            return Err(NotATarget("the address is longer than 2000 characters"));
        }
        if let Some(bad) = text.chars().find(|c| !c.is_ascii_graphic() || "\\<>\"`{}|^".contains(*c)) {
            let text = if bad.is_ascii() {
                "the address holds a character that belongs in none"
            } else {
                "write a name with other letters in its ASCII form (xn--…)"
            };
            return Err(NotATarget(text));
        }
        let (encrypted, rest) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(rest), _) => (Encrypted::Yes, rest),
            (_, Some(rest)) => (Encrypted::No, rest),
            _ => return Err(NotATarget("the address must begin with https:// or http://")),
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
        if path.contains('#') {
            return Err(NotATarget("an address with a fragment (#) is no receiver's"));
        }
        if authority.contains('@') {
            return Err(NotATarget("user and password do not belong into the address"));
        }
        let (host, port) = host_and_port(authority)?;
        let port = match port {
            Some(port) => port,
            None if encrypted == Encrypted::Yes => 443,
            None => 80,
        };
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { encrypted, host, port, path })
    }
}

fn host_and_port(authority: &str) -> Result<(Host, Option<u16>), NotATarget> {
    let (host, rest) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or(NotATarget("the bracket of the address does not close"))?;
            let address: Ipv6Addr = host.parse().map_err(|_| NotATarget("that is no IPv6 address"))?;
            (Host::Address(address.into()), rest)
        }
        None => {
            let end = authority.find(':').unwrap_or(authority.len());
            let (host, rest) = authority.split_at_checked(end).unwrap_or((authority, ""));
            (name_or_ipv4(host)?, rest)
        }
    };
    let port = match rest.strip_prefix(':') {
        None if rest.is_empty() => None,
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0') => {
            Some(digits.parse().map_err(|_| NotATarget("the port must be 1 to 65535"))?)
        }
        _ => return Err(NotATarget("the port must be 1 to 65535")),
    };
    Ok((host, port))
}

/// A name, or an IPv4 address in its one unmistakable form. Others (octal, hexadecimal, fewer parts) are addresses to some
/// programs and names to others, so they are nothing here.
fn name_or_ipv4(text: &str) -> Result<Host, NotATarget> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(Host::Address(address.into()));
    }
    let name = text.to_ascii_lowercase();
    if !is_name(&name) {
        return Err(NotATarget(
            "the host must be a name, an IPv4 address of four decimal numbers, or [an IPv6 address]",
        ));
    }
    Ok(Host::Name(name))
}

/// As RFC 1123 writes names (underscores besides), with a last label that no program takes for a number.
fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or("");
    name.len() <= 253 && name.split('.').all(label) && last.starts_with(|c: char| c.is_ascii_lowercase())
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encrypted == Encrypted::Yes { "https" } else { "http" };
        match &self.host {
            Host::Address(IpAddr::V6(address)) => write!(f, "{scheme}://[{address}]:{}{}", self.port, self.path),
            Host::Address(address) => write!(f, "{scheme}://{address}:{}{}", self.port, self.path),
            Host::Name(name) => write!(f, "{scheme}://{name}:{}{}", self.port, self.path),
        }
    }
}

/// One entry of the list: `hooks.bank.example`, `*.bank.example`, `10.1.0.0/16`, each also as `http://…`, which allows
/// sending without TLS there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    encrypted_only: bool,
    place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// Under whatever name.
    Network(Network),
    /// If it leads to public addresses.
    Name(String),
    /// Any name below this one, likewise.
    Below(String),
}

impl FromStr for Allowed {
    type Err = NotATarget;

    fn from_str(text: &str) -> Result<Self, NotATarget> {
        let (encrypted_only, place) = match text.strip_prefix("http://") {
            Some(place) => (false, place),
            None => (true, text),
        };
        if let Ok(network) = place.parse() {
            return Ok(Self { encrypted_only, place: Place::Network(network) });
        }
        let (place, name) = match place.strip_prefix("*.") {
            Some(name) => (Place::Below(format!(".{name}")), name),
            None => (Place::Name(place.to_owned()), place),
        };
        if !is_name(name) {
            return Err(NotATarget(
                "an entry is a network like 10.1.0.0/16, or a name like hooks.bank.example or *.bank.example, \
                 with http:// before it where TLS is not needed",
            ));
        }
        Ok(Self { encrypted_only, place })
    }
}

impl<'de> Deserialize<'de> for Allowed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// All that is allowed; nothing, if it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct AllowList(pub Vec<Allowed>);

impl AllowList {
    /// Whether a connection for `target` may be made to `address`.
    pub fn admits(&self, target: &Target, address: IpAddr) -> bool {
        let address = address.to_canonical();
        if let Host::Address(written) = target.host
            && written.to_canonical() != address
        {
            return false;
        }
        self.0.iter().filter(|allowed| !allowed.encrypted_only || target.encrypted == Encrypted::Yes).any(|allowed| {
            match (&allowed.place, &target.host) {
                (Place::Network(network), _) => reaches(network, address),
                (Place::Name(name), Host::Name(host)) => name == host && is_public(address),
                (Place::Below(end), Host::Name(host)) => host.ends_with(end.as_str()) && is_public(address),
                (_, Host::Address(_)) => false,
            }
        })
    }

    /// Whether anything about `target` can be allowed at all, before its name is looked up.
    pub fn might_admit(&self, target: &Target) -> bool {
        match &target.host {
            Host::Address(address) => self.admits(target, *address),
            Host::Name(host) => {
                let open = self.0.iter().filter(|one| !one.encrypted_only || target.encrypted == Encrypted::Yes);
                open.into_iter().any(|allowed| match &allowed.place {
                    Place::Network(_) => true,
                    Place::Name(name) => name == host,
                    Place::Below(end) => host.ends_with(end.as_str()),
                })
            }
        }
    }
}

/// Blocks that are never meant by the way: reached only through an entry that lies within them. The machine itself, its
/// link, the addresses under which clouds serve their machines' credentials, and IPv6 addresses that wrap an IPv4 one.
/// (IANA's special-purpose registries for IPv4 and IPv6; the clouds' own documentation.)
const SPECIAL: [Network; 17] = [
    Network::v4([0, 0, 0, 0], 8),
    Network::v4([127, 0, 0, 0], 8),
    Network::v4([169, 254, 0, 0], 16),
    Network::v4([192, 0, 0, 0], 24),
    Network::v4([100, 100, 100, 200], 32),
    Network::v4([168, 63, 129, 16], 32),
    Network::v4([224, 0, 0, 0], 4),
    Network::v4([240, 0, 0, 0], 4),
    // The unspecified address, the loopback, and the deprecated IPv4-compatible ones.
    Network::v6([0, 0, 0, 0, 0, 0, 0, 0], 96),
    Network::v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96),
    Network::v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),
    Network::v6([0x100, 0, 0, 0, 0, 0, 0, 0], 64),
    Network::v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
    Network::v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),
    Network::v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254], 128),
    Network::v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
    Network::v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),
];

/// Blocks of networks of one's own.
const PRIVATE: [Network; 6] = [
    Network::v4([10, 0, 0, 0], 8),
    Network::v4([100, 64, 0, 0], 10),
    Network::v4([172, 16, 0, 0], 12),
    Network::v4([192, 168, 0, 0], 16),
    Network::v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
    Network::v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10),
];

/// Whether an entry for `network` means this address.
fn reaches(network: &Network, address: IpAddr) -> bool {
    let mut around = SPECIAL.iter().filter(|block| block.contains(address));
    network.contains(address) && around.all(|block| network.is_within(block))
}

fn is_public(address: IpAddr) -> bool {
    !SPECIAL.iter().chain(&PRIVATE).any(|block| block.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> AllowList {
        AllowList(entries.iter().map(|entry| entry.parse().unwrap()).collect())
    }

    fn target(text: &str) -> Target {
        text.parse().unwrap()
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_is_put_together_again_from_its_parts() {
        for (text, again) in [
            ("https://Hooks.Bank.example", "https://hooks.bank.example:443/"),
            ("http://10.1.2.3:8080/a/b?c=d", "http://10.1.2.3:8080/a/b?c=d"),
            ("https://[FD00::1]?x", "https://[fd00::1]:443/?x"),
        ] {
            assert_eq!(target(text).to_string(), again);
            assert_eq!(target(again), target(text));
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        for text in [
            "",
            "hooks.bank.example",
            "//10.1.2.3/",
            "https:10.1.2.3",
            "https:/10.1.2.3",
            "ftp://10.1.2.3/",
            "file:///etc/passwd",
            "gopher://10.1.2.3:70/",
            "HTTPS://10.1.2.3/",
            "https://",
            "https:///x",
            "https://:443/",
            "https://10.1.2.3@127.0.0.1/",
            "https://user:pw@10.1.2.3/",
            "https://10.1.2.3:80@127.0.0.1/",
            "https://10.1.2.3#@127.0.0.1/",
            "https://127.0.0.1/#x",
            "https://127.0.0.1\\@10.1.2.3/",
            "https://10.1.2.3\\.evil.example/",
            "https://10.1.2.3 .evil.example/",
            "https://10.1.2.3\t/",
            "https://10.1.2.3\r\nHost: x/",
            "https://10.1.2.3%00.example/",
            "https://%31%30.1.2.3/",
            "https://127.1/",
            "https://127.0.1/",
            "https://0177.0.0.1/",
            "https://0x7f.0.0.1/",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://017700000001/",
            "https://127.0.0.1./",
            "https://127.0.0.01/",
            "https://00000127.0.0.1/",
            "https://127.0.0.256/",
            "https://1.2.3.4.5/",
            "https://10.1.2.3:0/",
            "https://10.1.2.3:080/",
            "https://10.1.2.3:65536/",
            "https://10.1.2.3:/",
            "https://10.1.2.3:+80/",
            "https://10.1.2.3:8o/",
            "https://[::1",
            "https://::1/",
            "https://[::1]x/",
            "https://[fe80::1%25eth0]/",
            "https://[fe80::1%eth0]/",
            "https://[::ffff:127.0.0.1.]/",
            "https://[127.0.0.1]/",
            "https://ⓛocalhost/",
            "https://１２７.0.0.1/",
            "https://localhost./",
            "https://.localhost/",
            "https://a..b/",
            "https://-a.example/",
            "https://a-.example/",
            "https://example.123/",
            "https://example.0x7f/",
            "https://exa mple/",
            "https://a_b.c:1:2/",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_network_is_meant_under_any_name_and_a_name_only_with_public_addresses() {
        let list = list(&["10.1.0.0/16", "hooks.bank.example", "*.bank.example", "http://10.9.0.0/16"]);
        let name = target("https://internal.site/x");
        assert!(list.admits(&name, address("10.1.2.3")) && list.admits(&name, address("::ffff:10.1.2.3")));
        assert!(!list.admits(&name, address("10.2.2.3")) && !list.admits(&name, address("8.8.8.8")));
        for host in ["hooks.bank.example", "a.b.bank.example"] {
            let target = target(&format!("https://{host}/"));
            assert!(list.admits(&target, address("8.8.8.8")) && list.admits(&target, address("2a00::1")), "{host}");
            for bad in ["10.2.0.1", "127.0.0.1", "192.168.1.1", "169.254.169.254", "::1", "fd00::1", "::ffff:10.2.0.1"]
            {
                assert!(!list.admits(&target, address(bad)), "{host} at {bad}");
            }
        }
        assert!(!list.admits(&target("https://bank.example/"), address("8.8.8.8")), "not below itself");
        assert!(!list.admits(&target("https://hooks.bank.example.evil.example/"), address("8.8.8.8")));
        assert!(!list.admits(&target("https://evilbank.example/"), address("8.8.8.8")));
        assert!(!list.admits(&target("http://hooks.bank.example/"), address("8.8.8.8")), "http needs an entry");
        assert!(!list.admits(&target("http://internal.site/"), address("10.1.2.3")));
        assert!(list.admits(&target("http://internal.site/"), address("10.9.2.3")));
        assert!(!list.admits(&target("https://10.1.2.3/"), address("10.1.2.4")), "another than the one written");
        assert!(!AllowList::default().admits(&target("https://10.1.2.3/"), address("10.1.2.3")));
        assert!(list.might_admit(&target("https://unknown.site/")) && !list.might_admit(&target("https://8.8.8.8/")));
        for bad in ["", "10.1.0.1/16", "https://10.1.0.0/16", "*.10.1.2.3", "*", "a*.b", "Bank.example", "http://", "1"]
        {
            assert!(bad.parse::<Allowed>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn special_addresses_are_reached_only_through_an_entry_within_their_block() {
        let all = list(&["0.0.0.0/0", "::/0", "http://0.0.0.0/0", "http://::/0", "*.example", "fc00::/7"]);
        for special in [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "169.254.170.2",
            "192.0.0.192",
            "100.100.100.200",
            "168.63.129.16",
            "224.0.0.1",
            "239.255.255.250",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "64:ff9b::7f00:1",
            "64:ff9b:1::a9fe:a9fe",
            "2001::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
        ] {
            let literal = match address(special) {
                IpAddr::V4(address) => target(&format!("http://{address}/")),
                IpAddr::V6(address) => target(&format!("http://[{address}]/")),
            };
            assert!(!all.admits(&literal, address(special)), "{special}");
            assert!(!all.might_admit(&literal), "{special}");
            assert!(!all.admits(&target("https://rebound.example/"), address(special)), "{special}");
        }
        for plain in ["8.8.8.8", "10.0.0.1", "192.168.0.1", "2a00::1", "fd00::1"] {
            assert!(all.admits(&target("https://any.other/"), address(plain)), "{plain}");
        }
        let loopback = list(&["127.0.0.2/32", "::1"]);
        assert!(loopback.admits(&target("https://127.0.0.2/"), address("127.0.0.2")));
        assert!(loopback.admits(&target("https://[::ffff:127.0.0.2]/"), address("127.0.0.2")), "the same address");
        assert!(loopback.admits(&target("https://[::1]/"), address("::1")));
        assert!(!loopback.admits(&target("https://127.0.0.1/"), address("127.0.0.1")));
    }
}
