//! The extended headers of PAX (POSIX.1-2001, `pax`), as far as they matter here.

/// The PAX records that matter.
#[derive(Debug, Default)]
pub(crate) struct Pax {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub sparse: Sparse,
}

/// What GNU tar says of a sparse file: formats 0.0, 0.1 and 1.0.
#[derive(Debug, Default)]
pub(crate) struct Sparse {
    major: Option<Vec<u8>>,
    minor: Option<Vec<u8>>,
    mapped: bool,
    pub name: Option<Vec<u8>>,
    size: Option<u64>,
    real_size: Option<u64>,
}

impl Sparse {
    /// Whether it is a sparse file, as Go's `archive/tar` tells it (`readGNUSparsePAXHeaders`): by a version that is
    /// known, or, where there is none, by a map.
    pub(crate) fn is_there(&self) -> bool {
        match (self.major.as_deref(), self.minor.as_deref()) {
            (Some(b"0"), Some(b"0" | b"1")) | (Some(b"1"), Some(b"0")) => true,
            (None, None) => self.mapped,
            _ => false,
        }
    }

    /// Size with the holes.
    pub(crate) fn full_size(&self) -> Option<u64> {
        self.size.or(self.real_size)
    }
}

impl Pax {
    /// Reads `LENGTH KEY=VALUE\n` records; `None` where they are broken.
    pub(crate) fn read(mut text: &[u8]) -> Option<Self> {
        let mut pax = Self::default();
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
            pax.record(&record[..equals], &record[equals + 1..])?;
        }
        Some(pax)
    }

    /// The last one of a key counts; an empty value takes the ones before away.
    fn record(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let bytes = || (!value.is_empty()).then(|| value.to_vec());
        let number = || if value.is_empty() { Some(None) } else { decimal(value).map(Some) };
        match key {
            // No file system holds such a name, and Go refuses it.
            b"path" | b"linkpath" if value.contains(&0) => return None,
            b"path" => self.path = bytes(),
            b"linkpath" => self.link = bytes(),
            b"size" => self.size = number()?,
            b"GNU.sparse.name" => self.sparse.name = bytes(),
            b"GNU.sparse.size" => self.sparse.size = number()?,
            b"GNU.sparse.realsize" => self.sparse.real_size = number()?,
            b"GNU.sparse.major" => self.sparse.major = bytes(),
            b"GNU.sparse.minor" => self.sparse.minor = bytes(),
            b"GNU.sparse.map" => self.sparse.mapped = !value.is_empty(),
            // Of format 0.0, where they stand in place of the map.
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => self.sparse.mapped = true,
            _ => {}
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
