//! `--secret id=ID,src=FILE|env=NAME`, as `docker build` takes it.
//!
//! The journal keeps where a secret is, so that a resumed run finds it there again; nothing keeps what it is.

use std::fmt;
use std::io::Read as _;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::engine::Secrets;
use crate::error::Failure;
use crate::exit::Exit;
use crate::fsx;

/// Longest secret, as in Docker's client (moby/buildkit, session/secrets/secretsprovider).
const LONGEST: u64 = 500 << 10;

/// Where a secret is read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SecretSource {
    File(PathBuf),
    Variable(String),
    /// The variable named like the secret, else the file named so.
    Either,
}

/// A secret as it is asked for: where it is, not what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretSpec {
    id: String,
    source: SecretSource,
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
            ("", "") => SecretSource::Either,
            (file, "") => SecretSource::File(PathBuf::from(file)),
            ("", variable) => SecretSource::Variable(variable.to_owned()),
            _ => return Err("it has `src` and `env`".to_owned()),
        };
        Ok(Self { id: id.to_owned(), source })
    }
}

impl fmt::Display for SecretSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "id={}", self.id)?;
        match &self.source {
            SecretSource::File(path) => write!(f, ",src={}", path.display()),
            SecretSource::Variable(name) => write!(f, ",env={name}"),
            SecretSource::Either => Ok(()),
        }
    }
}

impl SecretSpec {
    /// The same source, wherever the program is started.
    #[must_use]
    pub fn absolute(mut self) -> Self {
        self.source = match self.source {
            SecretSource::Either if std::env::var_os(&self.id).is_some() => SecretSource::Variable(self.id.clone()),
            SecretSource::Either => SecretSource::File(fsx::absolute(Path::new(&self.id))),
            SecretSource::File(path) => SecretSource::File(fsx::absolute(&path)),
            variable @ SecretSource::Variable(_) => variable,
        };
        self
    }

    /// Secrets that are named again, and the others of an earlier part of a run.
    pub fn over(again: &[Self], earlier: &[Self]) -> Vec<Self> {
        let others = earlier.iter().filter(|spec| again.iter().all(|other| other.id != spec.id));
        others.chain(again).cloned().collect()
    }

    /// Reads secrets.
    pub fn read_all(specs: &[Self]) -> Result<Secrets, Failure> {
        let mut secrets = Secrets::default();
        for spec in specs {
            let content = spec.read().map_err(|reason| Failure {
                message: format!("cannot read the secret `{spec}`: {reason}"),
                hint: Some(format!(
                    "give its source: `--secret id={0},src=FILE` or `--secret id={0},env=NAME`",
                    spec.id
                )),
                exit: Exit::Usage,
            })?;
            secrets.0.insert(spec.id.clone(), content);
        }
        Ok(secrets)
    }

    fn read(&self) -> Result<Vec<u8>, String> {
        let variable = |name: &str| std::env::var_os(name).map(OsStringExt::into_vec);
        let path = match &self.source {
            SecretSource::Variable(name) => return variable(name).ok_or_else(|| format!("`{name}` is not set")),
            SecretSource::Either => match variable(&self.id) {
                Some(value) => return Ok(value),
                None => PathBuf::from(&self.id),
            },
            SecretSource::File(path) => path.clone(),
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
        let secrets = SecretSpec::read_all(&[spec]).unwrap();
        assert_eq!(secrets.0["a"], b"s3cr3t\n\xff");
        assert_eq!(format!("{secrets:?}"), "{\"a\"}");
        for text in ["id=a,env=TONNAGE_NO_SUCH_VARIABLE", "id=no-such-file", "id=a,src=/dev/zero"] {
            let failure = SecretSpec::read_all(&[text.parse().unwrap()]).unwrap_err();
            assert!(failure.message.contains(text) && failure.exit == Exit::Usage, "{failure:?}");
        }
    }

    #[test]
    fn a_resumed_run_finds_a_secret_where_it_was() {
        let spec = |text: &str| text.parse::<SecretSpec>().unwrap();
        let here = std::env::current_dir().unwrap();
        for (text, kept) in [
            ("id=a,src=x y", format!("id=a,src={}/x y", here.display())),
            ("id=a,env=B", "id=a,env=B".to_owned()),
            ("id=no-such-file", format!("id=no-such-file,src={}/no-such-file", here.display())),
            ("id=PATH", "id=PATH,env=PATH".to_owned()),
        ] {
            let kept_spec = spec(text).absolute();
            assert_eq!(kept_spec.to_string(), kept);
            let json = serde_json::to_string(&kept_spec).unwrap();
            assert_eq!(serde_json::from_str::<SecretSpec>(&json).unwrap(), kept_spec);
        }
        let all = SecretSpec::over(&[spec("id=a,env=C")], &[spec("id=a,env=A"), spec("id=b,env=B")]);
        assert_eq!(all, [spec("id=b,env=B"), spec("id=a,env=C")]);
    }
}
