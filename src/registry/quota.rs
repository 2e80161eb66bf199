//! What a registry says of the pulls that are left: Docker Hub's `RateLimit-Limit` and `RateLimit-Remaining`
//! (docs.docker.com/docker-hub/usage/pulls), `100;w=21600` each.

use http::HeaderMap;
use serde::Serialize;

/// Pulls that are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct PullQuota {
    /// How many may be made in the window, where the registry says so.
    pub limit: Option<u64>,
    /// How many are left.
    pub remaining: u64,
    /// Length of the window in seconds, where the registry says so.
    pub window_seconds: Option<u64>,
}

impl PullQuota {
    /// What the headers of an answer say; `None` where they say nothing.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let read = |name: &str| number_and_window(headers.get(name)?.to_str().ok()?);
        let (remaining, window) = read("ratelimit-remaining")?;
        let limit = read("ratelimit-limit");
        let window_seconds = window.or_else(|| limit.and_then(|(_, window)| window));
        Some(Self { limit: limit.map(|(limit, _)| limit), remaining, window_seconds })
    }
}

fn number_and_window(text: &str) -> Option<(u64, Option<u64>)> {
    let mut parts = text.split(';').map(str::trim);
    let number = parts.next()?.parse().ok()?;
    Some((number, parts.find_map(|part| part.strip_prefix("w=")?.parse().ok())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_headers_of_docker_hub_are_read_and_others_are_not_guessed_at() {
        let of = |pairs: &[(&'static str, &'static str)]| {
            PullQuota::of(&pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect())
        };
        let quota = |limit, remaining, window_seconds| Some(PullQuota { limit, remaining, window_seconds });
        let hub = [("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "76;w=21600")];
        assert_eq!(of(&hub), quota(Some(100), 76, Some(21_600)));
        assert_eq!(of(&[("ratelimit-remaining", "0")]), quota(None, 0, None));
        assert_eq!(of(&[("ratelimit-limit", "100")]), None);
        assert_eq!(of(&[("ratelimit-remaining", "many")]), None);
    }
}
