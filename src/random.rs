//! Names that nobody else draws, on this machine or another.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

/// 16 random hexadecimal digits, seeded by the operating system. Not for secrets.
pub fn hex() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn no_two_are_the_same() {
        let drawn: BTreeSet<String> = (0..1000).map(|_| super::hex()).collect();
        assert_eq!(drawn.len(), 1000);
        assert!(drawn.iter().all(|text| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())));
    }
}
