//! Challenges of registries, and what answers them: a name with a password, or a token from where the challenge says
//! (distribution/spec/auth/token.md, oauth.md).

use std::collections::BTreeMap;

use base64::Engine as _;
use http::HeaderValue;
use serde::Deserialize;

use crate::credentials::Credentials;

/// What a registry wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Challenge {
    /// Name and password.
    Basic,
    /// A token from `realm`.
    Bearer { realm: String, service: String, scope: String },
}

impl Challenge {
    /// Reads `WWW-Authenticate`; a token goes first where both are offered.
    pub(super) fn of(headers: &http::HeaderMap) -> Option<Self> {
        let values = headers.get_all(http::header::WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let mut found: Vec<Self> = values.filter_map(Self::parse).collect();
        found.sort_by_key(|challenge| *challenge == Self::Basic);
        found.into_iter().next()
    }

    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.trim().split_once(' ').unwrap_or((text.trim(), ""));
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if !scheme.eq_ignore_ascii_case("bearer") {
            return None;
        }
        let mut parameters = parameters(rest);
        let mut take = |name: &str| parameters.remove(name).unwrap_or_default();
        let realm = take("realm");
        (!realm.is_empty()).then(|| Self::Bearer { realm, service: take("service"), scope: take("scope") })
    }
}

/// `name="value"` and `name=value`, separated by commas (RFC 9110, 11.2).
fn parameters(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([' ', ',', '\t']).to_ascii_lowercase();
        let mut value = String::new();
        if let Some(quoted) = after.strip_prefix('"') {
            let mut characters = quoted.char_indices();
            let mut end = quoted.len();
            while let Some((at, character)) = characters.next() {
                match character {
                    '"' => {
                        end = at + 1;
                        break;
                    }
                    '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
                    other => value.push(other),
                }
            }
            rest = &quoted[end..];
        } else {
            let (plain, after) = after.split_once(',').unwrap_or((after, ""));
            plain.trim().clone_into(&mut value);
            rest = after;
        }
        found.entry(name).or_insert(value);
    }
    found
}

/// The header for a name and a password.
pub(super) fn basic(credentials: &Credentials) -> Option<HeaderValue> {
    if credentials.username.is_empty() {
        return None;
    }
    let pair = format!("{}:{}", credentials.username, credentials.password.expose());
    sensitive(&format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair)))
}

/// The header for a token.
pub(super) fn bearer(token: &str) -> Option<HeaderValue> {
    sensitive(&format!("Bearer {token}"))
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The answer to a request for a token.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    token: Option<String>,
    access_token: Option<String>,
}

/// The token in an answer.
pub(super) fn token_in(answer: &[u8]) -> Option<String> {
    let answer: Answer = serde_json::from_slice(answer).ok()?;
    answer.token.or(answer.access_token).filter(|token| !token.is_empty())
}
