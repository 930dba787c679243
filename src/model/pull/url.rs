//! The part of Go's `net/url` that kubelet uses for keys and images, as of Go 1.26. Older versions accepted brackets in
//! the middle of a host.

use std::net::Ipv6Addr;

/// Unescaped host and path of an `http://` or `https://` URL; `None` if `url.Parse` fails or for another scheme.
pub(super) fn parse(url: &str) -> Option<(String, String)> {
    let (url, fragment) = url.split_once('#').unwrap_or((url, ""));
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"))?;
    if url.bytes().any(|byte| byte.is_ascii_control()) {
        return None;
    }
    unescape(fragment, Part::Other)?;
    let rest = rest.split('?').next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = match authority.rsplit_once('@') {
        None => authority,
        Some((user, host)) => {
            let (name, password) = user.split_once(':').unwrap_or((user, ""));
            if !user.chars().all(is_of_user) {
                return None;
            }
            unescape(name, Part::Other)?;
            unescape(password, Part::Other)?;
            host
        }
    };
    Some((parse_host(host)?, unescape(path, Part::Other)?))
}

/// Go's `net.SplitHostPort`, which removes brackets only if there is a port; without a port the whole text is the host.
pub(super) fn split_port(host: &str) -> (&str, Option<&str>) {
    let Some(colon) = host.rfind(':') else {
        return (host, None);
    };
    let (name, rest) = match host.strip_prefix('[') {
        None if host[..colon].contains(':') => return (host, None),
        None => (&host[..colon], host),
        Some(inner) => match inner.find(']') {
            Some(end) if end + 2 == colon => (&inner[..end], &host[colon..]),
            _ => return (host, None),
        },
    };
    if name.contains('[') || rest.contains(['[', ']']) {
        return (host, None);
    }
    (name, Some(&host[colon + 1..]))
}

fn parse_host(host: &str) -> Option<String> {
    match host.rfind('[') {
        Some(0) => {
            let (address, port) = host[1..].rsplit_once(']')?;
            if !is_port(port) {
                return None;
            }
            // RFC 6874: `%25` before a zone.
            let (address, zone) = address.split_at(address.find("%25").unwrap_or(address.len()));
            let (address, zone) = (unescape(address, Part::Host)?, unescape(zone, Part::Zone)?);
            let is_address = address.parse::<Ipv6Addr>().is_ok() && zone != "%";
            is_address.then(|| format!("[{address}{zone}]{port}"))
        }
        Some(_) => None,
        None => {
            let port = host.find(':').map_or("", |colon| &host[colon..]);
            is_port(port).then(|| unescape(host, Part::Host))?
        }
    }
}

/// Empty, or a colon followed by digits or nothing.
fn is_port(text: &str) -> bool {
    let digits = if text.is_empty() {
        Some("")
    } else {
        text.strip_prefix(':')
    };
    digits.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Host,
    Zone,
    /// Parts that may contain any escaped byte.
    Other,
}

/// Decodes percent encoding; `None` if it is invalid or if the part may not contain a character.
fn unescape(text: &str, part: Part) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            if part != Part::Other && !is_of_host(*first) {
                return None;
            }
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        let byte = u8::from_str_radix(digits, 16).ok()?;
        let is_fine = match part {
            Part::Other => true,
            Part::Host => !byte.is_ascii() || digits == "25",
            Part::Zone => digits == "25" || byte == b' ' || is_of_host(byte),
        };
        if !is_fine {
            return None;
        }
        bytes.push(byte);
        rest = &tail[2..];
    }
    // Image names are UTF-8, so invalid UTF-8 cannot match.
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Characters allowed in a host; Go accepts all non-ASCII bytes.
fn is_of_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || !byte.is_ascii() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte)
}

fn is_of_user(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c)
}
