//! Files that hold private keys or credentials: told by their names, then by what is in them. Nothing of the content is
//! kept.

/// A larger file is none of these.
const LARGEST: u64 = 64 << 10;

/// What gives a kind of file away, once its name does.
enum Mark {
    /// This text.
    Text(&'static [u8]),
    /// A line that begins with this and goes on, but not with a variable.
    Value(&'static [u8]),
    /// `://NAME:PASSWORD@`.
    Url,
}

/// Ends of paths, from a slash on, or of names where they begin with a dot and an asterisk.
const KINDS: [(&[&str], &[Mark]); 9] = [
    (
        &["id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.pem", "*.key", "*_key", "*.p8"],
        &[Mark::Text(b"PRIVATE KEY-----")],
    ),
    (&[".npmrc"], &[Mark::Value(b"_authToken="), Mark::Value(b"_auth="), Mark::Value(b"_password=")]),
    (&[".netrc", "_netrc"], &[Mark::Value(b"password ")]),
    (&[".git-credentials", "pip.conf", ".condarc"], &[Mark::Url]),
    (&[".pypirc"], &[Mark::Value(b"password:"), Mark::Value(b"password =")]),
    (&[".aws/credentials"], &[Mark::Value(b"aws_secret_access_key"), Mark::Value(b"aws_session_token")]),
    (&[".docker/config.json", ".dockercfg", "containers/auth.json"], &[Mark::Text(b"\"auth\":")]),
    (&[".kube/config"], &[Mark::Text(b"client-key-data:"), Mark::Text(b"token:")]),
    (&["application_default_credentials.json"], &[Mark::Text(b"\"refresh_token\""), Mark::Text(b"\"private_key\"")]),
];

/// Whether a file of this name and size may be one.
pub(crate) fn is_candidate(path: &[u8], size: u64) -> bool {
    size <= LARGEST && marks(path).is_some()
}

/// Whether a candidate is one.
pub(crate) fn holds_any(path: &[u8], content: &[u8]) -> bool {
    marks(path).is_some_and(|marks| marks.iter().any(|mark| mark.is_in(content)))
}

fn marks(path: &[u8]) -> Option<&'static [Mark]> {
    let is_named = |name: &&'static str| match name.strip_prefix('*') {
        Some(end) => path.ends_with(end.as_bytes()),
        None => path.strip_suffix(name.as_bytes()).is_some_and(|rest| rest.is_empty() || rest.ends_with(b"/")),
    };
    KINDS.iter().find(|(names, _)| names.iter().any(is_named)).map(|(_, marks)| *marks)
}

impl Mark {
    fn is_in(&self, content: &[u8]) -> bool {
        match self {
            Self::Text(text) => find(content, text).is_some(),
            Self::Value(key) => {
                let mut rest = content;
                while let Some(at) = find(rest, key) {
                    rest = &rest[at + key.len()..];
                    let value = rest.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii();
                    let value = value.strip_prefix(b"=").unwrap_or(value).trim_ascii_start();
                    if !value.is_empty() && !value.starts_with(b"$") && !value.starts_with(b"%(") {
                        return true;
                    }
                }
                false
            }
            Self::Url => content.split(|&byte| byte == b'\n').any(|line| {
                let Some(at) = find(line, b"://") else { return false };
                let host = line[at + 3..].split(|byte| b"/ \"'".contains(byte)).next().unwrap_or_default();
                let user = host.rsplitn(2, |&byte| byte == b'@').nth(1).unwrap_or_default();
                user.split_first_chunk::<1>().is_some()
                    && user.iter().position(|&byte| byte == b':').is_some_and(|colon| {
                        let password = &user[colon + 1..];
                        !password.is_empty() && !password.starts_with(b"$")
                    })
            }),
        }
    }
}

fn find(content: &[u8], text: &[u8]) -> Option<usize> {
    content.windows(text.len()).position(|part| part == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_credentials_are_told_by_name_and_content() {
        for (path, content, expected) in [
            ("root/.ssh/id_rsa", "-----BEGIN OPENSSH PRIVATE KEY-----\nx", true),
            ("app/server.key", "-----BEGIN RSA PRIVATE KEY-----\nx", true),
            ("etc/ssh/ssh_host_rsa_key", "-----BEGIN OPENSSH PRIVATE KEY-----\nx", true),
            ("etc/ssl/certs/ca.pem", "-----BEGIN CERTIFICATE-----\nx", false),
            ("notes/id_rsa.txt", "-----BEGIN RSA PRIVATE KEY-----\nx", false),
            ("root/.npmrc", "//registry.example.org/:_authToken=npm_abc\n", true),
            ("root/.npmrc", "//registry.example.org/:_authToken=${NPM_TOKEN}\n", false),
            ("root/.npmrc", "registry=https://registry.example.org\n", false),
            ("root/.netrc", "machine example.org login me password secret\n", true),
            ("root/.git-credentials", "https://me:secret@example.org\n", true),
            ("etc/pip.conf", "[global]\nindex-url = https://me:secret@example.org/simple\n", true),
            ("etc/pip.conf", "[global]\nindex-url = https://example.org/simple\n", false),
            ("etc/pip.conf", "[global]\nindex-url = https://me:${TOKEN}@example.org/simple\n", false),
            ("root/.pypirc", "[pypi]\nusername = x\npassword = pypi-abc\n", true),
            ("root/.aws/credentials", "[default]\naws_secret_access_key = abc\n", true),
            ("root/.aws/config", "[default]\naws_secret_access_key = abc\n", false),
            ("root/.docker/config.json", "{\"auths\":{\"x\":{\"auth\":\"eA==\"}}}", true),
            ("root/.docker/config.json", "{\"credsStore\":\"pass\"}", false),
            ("root/.kube/config", "users:\n- user:\n    client-key-data: abc\n", true),
        ] {
            let found =
                is_candidate(path.as_bytes(), content.len() as u64) && holds_any(path.as_bytes(), content.as_bytes());
            assert_eq!(found, expected, "{path}: {content}");
        }
        assert!(!is_candidate(b"root/.ssh/id_rsa", LARGEST + 1));
    }
}
