//! Who may ask: whoever has the token of the address that was printed, from a page of this very server.
//!
//! Another page in the same browser cannot read an answer (it is of another origin) nor send a change (its `Origin` is another, or the
//! cookie does not go along). A name that an attacker makes point to this machine is no `Host` of this server.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, Method, header};
use rand::RngExt;

use crate::error::Fault;

/// The header that scripts send instead of the cookie.
pub const HEADER: &str = "x-elman-token";

/// What a browser may load and do: nothing of any other machine.
pub const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; base-uri 'none'; \
    form-action 'none'; frame-ancestors 'none'";

/// The token and the addresses of a server.
#[derive(Debug)]
pub struct Access {
    token: String,
    port: u16,
    /// Whether other machines may ask too.
    lan: bool,
}

/// Whether two texts are equal, in a time that does not depend on where they differ.
fn same(a: &str, b: &str) -> bool {
    let differ = a.bytes().zip(b.bytes()).fold(0, |all, (a, b)| all | (a ^ b));
    std::hint::black_box(differ) == 0 && a.len() == b.len()
}

impl Access {
    /// A new token of 256 bits.
    pub fn new(address: SocketAddr, lan: bool) -> Access {
        let bytes: [u8; 32] = rand::rng().random();
        let token = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Access { token, port: address.port(), lan }
    }

    /// The address to open.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/?token={}", self.port, self.token)
    }

    /// The token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Whether this is the token.
    pub fn is_token(&self, given: &str) -> bool {
        same(given, &self.token)
    }

    fn cookie_name(&self) -> String {
        // Ports of a machine share their cookies.
        format!("elman_{}", self.port)
    }

    /// The cookie that a page gets on its first load.
    pub fn cookie(&self) -> String {
        format!("{}={}; HttpOnly; SameSite=Strict; Path=/", self.cookie_name(), self.token)
    }

    /// Whether a name and port are this server's: this machine's own names, and with `--lan` any number, but no name.
    fn is_mine(&self, host: &str) -> bool {
        let Some((name, port)) = host.rsplit_once(':') else { return false };
        let name = name.trim_start_matches('[').trim_end_matches(']');
        let loopback = name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        port.parse() == Ok(self.port) && (loopback || (self.lan && name.parse::<IpAddr>().is_ok()))
    }

    /// Checks the headers of a request; `token` is one in its address.
    ///
    /// # Errors
    /// A sentence with the way out.
    pub fn check(&self, method: &Method, headers: &HeaderMap, token: Option<&str>) -> Result<(), Fault> {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        if !text(header::HOST.as_str()).is_some_and(|host| self.is_mine(host)) {
            return Err(Fault::forbidden(format!(
                "this is not the server's own address: open http://127.0.0.1:{} as `elman studio` prints it",
                self.port
            )));
        }
        let origin = text(header::ORIGIN.as_str());
        if origin.is_some_and(|origin| !origin.strip_prefix("http://").is_some_and(|host| self.is_mine(host))) {
            return Err(Fault::forbidden("the request comes from another page, which may not use this server"));
        }
        let sent = text(HEADER);
        let reads = matches!(*method, Method::GET | Method::HEAD);
        if !reads && origin.is_none() && sent.is_none() {
            return Err(Fault::forbidden(format!("a change needs an Origin, or the token in the header {HEADER}")));
        }
        let name = self.cookie_name();
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let cookie = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value);
        let given = cookie.chain(sent).chain(token.filter(|_| reads));
        // Each one is compared: a cookie of an earlier server may be there too.
        match given.fold(false, |any, one| any | self.is_token(one)) {
            true => Ok(()),
            false => Err(Fault::forbidden(
                "the token is missing or is an earlier server's: open the address that `elman studio` printed",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let parse =
            |(name, value): &(&str, &str)| (name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap());
        pairs.iter().map(parse).collect()
    }

    #[test]
    fn only_a_page_of_this_server_with_the_token_may_ask() {
        let access = Access::new("127.0.0.1:4000".parse().unwrap(), false);
        let cookie = format!("a=b; elman_4000={}", access.token());
        let check = |method: Method, pairs: &[(&str, &str)]| access.check(&method, &headers(pairs), None);
        let host = ("host", "127.0.0.1:4000");
        let mine = ("cookie", &cookie[..]);
        check(Method::GET, &[host, mine]).unwrap();
        check(Method::GET, &[("host", "localhost:4000"), mine]).unwrap();
        check(Method::POST, &[host, mine, ("origin", "http://127.0.0.1:4000")]).unwrap();
        check(Method::PUT, &[host, (HEADER, access.token())]).unwrap();
        for wrong in [
            &[host][..],
            &[mine],
            &[host, ("cookie", "elman_4000=0")],
            &[("host", "evil.example:4000"), mine],
            &[("host", "127.0.0.1:4001"), mine],
            &[("host", "192.168.1.2:4000"), mine],
            &[host, mine, ("origin", "http://evil.example")],
            &[host, mine, ("origin", "http://127.0.0.1:4001")],
            &[host, mine, ("origin", "null")],
        ] {
            check(Method::GET, wrong).unwrap_err();
        }
        check(Method::POST, &[host, mine]).unwrap_err();
        assert!(access.check(&Method::GET, &headers(&[host]), Some(access.token())).is_ok());
        assert!(access.check(&Method::POST, &headers(&[host]), Some(access.token())).is_err());
        let lan = Access::new("0.0.0.0:4000".parse().unwrap(), true);
        let cookie = format!("elman_4000={}", lan.token());
        let ask = |host: &str| lan.check(&Method::GET, &headers(&[("host", host), ("cookie", &cookie)]), None);
        ask("192.168.1.2:4000").unwrap();
        ask("evil.example:4000").unwrap_err();
    }

    #[test]
    fn tokens_differ() {
        let token = || Access::new("127.0.0.1:1".parse().unwrap(), false).token().to_owned();
        assert!(token() != token() && token().len() == 64);
        assert!(same("ab", "ab") && !same("ab", "ac") && !same("ab", "abc") && !same("", "a"));
    }
}
