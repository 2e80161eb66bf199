//! The extended headers of PAX (POSIX.1-2001, `pax`), as far as they matter here.

/// The PAX records that matter.
#[derive(Debug, Clone, Default)]
pub(super) struct Pax {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub sparse: bool,
    pub sparse_name: Option<Vec<u8>>,
    pub sparse_size: Option<u64>,
}

impl Pax {
    /// Reads `LENGTH KEY=VALUE\n` records; `None` where they are broken.
    pub(super) fn read(&mut self, mut text: &[u8]) -> Option<()> {
        while !text.is_empty() {
            // Some writers pad with zeros.
            if text.iter().all(|&byte| byte == 0) {
                break;
            }
            let space = text.iter().take(21).position(|&byte| byte == b' ')?;
            let length = usize::try_from(decimal(&text[..space])?).ok()?;
            let record = text.get(space + 1..length)?;
            let record = record.strip_suffix(b"\n")?;
            text = &text[length..];
            let equals = record.iter().position(|&byte| byte == b'=')?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            let bytes = || (!value.is_empty()).then(|| value.to_vec());
            match key {
                b"path" => self.path = bytes(),
                b"linkpath" => self.link = bytes(),
                b"size" => self.size = if value.is_empty() { None } else { Some(decimal(value)?) },
                b"GNU.sparse.name" => self.sparse_name = bytes(),
                b"GNU.sparse.size" | b"GNU.sparse.realsize" => {
                    self.sparse = true;
                    self.sparse_size = Some(decimal(value)?);
                }
                b"GNU.sparse.major" | b"GNU.sparse.map" | b"GNU.sparse.numblocks" => self.sparse = true,
                _ => {}
            }
        }
        Some(())
    }
}

fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter()
        .try_fold(0u64, |value, &byte| {
            byte.is_ascii_digit().then(|| value.checked_mul(10)?.checked_add(u64::from(byte - b'0')))?
        })
        .filter(|&value| i64::try_from(value).is_ok())
}
