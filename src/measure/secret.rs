//! `--secret id=ID,src=FILE|env=NAME`, as `docker build` takes it.

use std::fmt;
use std::io::Read as _;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::engine::Secrets;
use crate::error::Failure;
use crate::exit::Exit;

/// Longest secret, as in Docker's client (moby/buildkit, session/secrets/secretsprovider).
const LONGEST: u64 = 500 << 10;

/// Where a secret is read from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    File(PathBuf),
    Variable(String),
    /// The variable named like the secret, else the file named so.
    Either,
}

/// A secret as it is asked for: where it is, not what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretSpec {
    id: String,
    source: Source,
}

impl FromStr for SecretSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mut id, mut file, mut variable, mut of_type) = ("", "", "", "");
        for field in text.split(',') {
            let (key, value) = field.split_once('=').ok_or_else(|| format!("`{field}` is not KEY=VALUE"))?;
            let place = match key.trim().to_ascii_lowercase().as_str() {
                "id" => &mut id,
                "src" | "source" => &mut file,
                "env" => &mut variable,
                "type" => &mut of_type,
                _ => return Err(format!("`{key}` is not one of id, src, env, type")),
            };
            *place = value;
        }
        match of_type {
            "env" if variable.is_empty() => variable = std::mem::take(&mut file),
            "" | "file" | "env" => {}
            _ => return Err(format!("`{of_type}` is not one of file, env")),
        }
        if id.is_empty() {
            return Err("it has no `id`".to_owned());
        }
        let source = match (file, variable) {
            ("", "") => Source::Either,
            (file, "") => Source::File(PathBuf::from(file)),
            ("", variable) => Source::Variable(variable.to_owned()),
            _ => return Err("it has `src` and `env`".to_owned()),
        };
        Ok(Self { id: id.to_owned(), source })
    }
}

impl fmt::Display for SecretSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "id={}", self.id)?;
        match &self.source {
            Source::File(path) => write!(f, ",src={}", path.display()),
            Source::Variable(name) => write!(f, ",env={name}"),
            Source::Either => Ok(()),
        }
    }
}

/// Reads secrets.
pub fn read(specs: &[SecretSpec]) -> Result<Secrets, Failure> {
    let mut secrets = Secrets::default();
    for spec in specs {
        let content = spec.read().map_err(|reason| Failure {
            message: format!("cannot read the secret `{spec}`: {reason}"),
            hint: Some("use `--secret id=ID,src=FILE` or `--secret id=ID,env=NAME`".to_owned()),
            exit: Exit::Usage,
        })?;
        secrets.0.insert(spec.id.clone(), content);
    }
    Ok(secrets)
}

impl SecretSpec {
    fn read(&self) -> Result<Vec<u8>, String> {
        let variable = |name: &str| std::env::var_os(name).map(OsStringExt::into_vec);
        let path = match &self.source {
            Source::Variable(name) => return variable(name).ok_or_else(|| format!("`{name}` is not set")),
            Source::Either => match variable(&self.id) {
                Some(value) => return Ok(value),
                None => PathBuf::from(&self.id),
            },
            Source::File(path) => path.clone(),
        };
        let mut content = Vec::new();
        let file = std::fs::File::open(&path).map_err(|error| error.to_string())?;
        file.take(LONGEST + 1).read_to_end(&mut content).map_err(|error| error.to_string())?;
        if content.len() as u64 > LONGEST {
            return Err(format!("it is longer than {} KiB", LONGEST >> 10));
        }
        Ok(content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_asked_for_as_docker_does() {
        for (text, shown) in [
            ("id=a,src=/x/y", "id=a,src=/x/y"),
            ("type=file,id=a,source=x", "id=a,src=x"),
            ("id=a,env=TOKEN", "id=a,env=TOKEN"),
            ("type=env,id=a,src=TOKEN", "id=a,env=TOKEN"),
            ("id=a", "id=a"),
        ] {
            assert_eq!(text.parse::<SecretSpec>().unwrap().to_string(), shown, "{text}");
        }
        for text in ["", "a", "src=x", "id=", "id=a,what=x", "id=a,src=x,env=y", "id=a,type=ssh"] {
            assert!(text.parse::<SecretSpec>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_secret_is_read_whole_and_shown_by_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token");
        std::fs::write(&file, b"s3cr3t\n\xff").unwrap();
        let spec: SecretSpec = format!("id=a,src={}", file.display()).parse().unwrap();
        let secrets = read(&[spec]).unwrap();
        assert_eq!(secrets.0["a"], b"s3cr3t\n\xff");
        assert_eq!(format!("{secrets:?}"), "{\"a\"}");
        for text in ["id=a,env=TONNAGE_NO_SUCH_VARIABLE", "id=no-such-file", "id=a,src=/dev/zero"] {
            let failure = read(&[text.parse().unwrap()]).unwrap_err();
            assert!(failure.message.contains(text) && failure.exit == Exit::Usage, "{failure:?}");
        }
    }
}
