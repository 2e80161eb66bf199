use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use tempfile::TempDir;

use super::*;

fn basic(pair: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(pair)
}

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn docker(&self, config: &str) -> &Self {
        std::fs::write(self.path().join("config.json"), config).unwrap();
        self
    }

    fn podman(&self, config: &str) -> &Self {
        std::fs::write(self.path().join("auth.json"), config).unwrap();
        self
    }

    /// A helper that notes what it was asked for.
    fn helper(&self, name: &str, script: &str) -> &Self {
        let file = self.path().join(format!("docker-credential-{name}"));
        let asked = self.path().join("asked");
        std::fs::write(&file, format!("#!/bin/sh\ncat >> {}\n{script}\n", asked.display())).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    fn asked(&self) -> String {
        std::fs::read_to_string(self.path().join("asked")).unwrap_or_default()
    }

    fn places(&self) -> Places {
        Places {
            docker: Some(self.path().join("config.json")),
            podman: vec![self.path().join("auth.json")],
            podman_first: false,
            path: vec![self.path().to_path_buf()],
        }
    }

    fn store(&self) -> Store {
        Store::read(&self.places())
    }
}

/// User and password for an image, `user:password`; empty where there are none.
fn found(store: &Store, image: &str) -> String {
    let credentials = store.for_image(image).unwrap().unwrap_or_default();
    let pair = format!("{}:{}", credentials.username, credentials.password.expose());
    if pair == ":" { credentials.identity_token.expose().to_owned() } else { pair }
}

#[test]
fn credentials_go_to_the_registry_that_they_are_stored_for_and_to_no_other() {
    let home = Home::new();
    home.docker(&format!(
        r#"{{"auths":{{"https://index.docker.io/v1/":{{"auth":"{}"}},"registry.example":{{"auth":"{}"}},
            "http://127.0.0.1:5000/v2/":{{"username":"c","password":"4"}},"token.example":{{"identitytoken":"t"}},
            "empty.example":{{}},"broken.example":{{"auth":"!"}}}}}}"#,
        basic("a:1:2"),
        basic("b:3\0")
    ));
    let store = home.store();
    for (image, expected) in [
        ("python:3.9", "a:1:2"),
        ("docker.io/me/app@sha256:ab", "a:1:2"),
        ("index.docker.io/library/python", "a:1:2"),
        ("registry.example/team/app:1", "b:3"),
        ("registry.example:443/app", ""),
        ("registry.example.evil/app", ""),
        ("evil/registry.example/app", "a:1:2"),
        ("xregistry.example/app", ""),
        ("127.0.0.1:5000/app", "c:4"),
        ("127.0.0.1:5001/app", ""),
        ("localhost/app", ""),
        ("token.example/app", "t"),
        ("empty.example/app", ""),
        ("broken.example/app", ""),
    ] {
        assert_eq!(found(&store, image), expected, "{image}");
    }
    let hub = store.for_registry("registry-1.docker.io").unwrap().unwrap();
    assert_eq!(hub.username, "a");
    assert!(!format!("{store:?} {hub:?}").contains("1:2"));
}

#[test]
fn podmans_keys_name_parts_of_a_registry() {
    let home = Home::new();
    home.podman(&format!(
        r#"{{"auths":{{"quay.io":{{"auth":"{}"}},"quay.io/team":{{"auth":"{}"}},"only.example/team":{{"auth":"{}"}}}}}}"#,
        basic("all:1"),
        basic("team:2"),
        basic("only:3")
    ));
    let store = home.store();
    for (image, expected) in [
        ("quay.io/other/app:1", "all:1"),
        ("quay.io/team/app:1", "team:2"),
        ("quay.io/teammate/app", "all:1"),
        ("only.example/team/deep/app", "only:3"),
        ("only.example/app", ""),
    ] {
        assert_eq!(found(&store, image), expected, "{image}");
    }
    assert_eq!(store.for_registry("only.example").unwrap(), None);
}

#[test]
fn the_files_of_the_engines_own_tool_are_read_first() {
    let home = Home::new();
    let config = |pair| format!(r#"{{"auths":{{"x.example":{{"auth":"{}"}}}}}}"#, basic(pair));
    home.docker(&config("docker:1")).podman(&config("podman:2"));
    assert_eq!(found(&home.store(), "x.example/a"), "docker:1");
    let places = Places { podman_first: true, ..home.places() };
    assert_eq!(found(&Store::read(&places), "x.example/a"), "podman:2");
}

#[test]
fn helpers_are_asked_once_for_the_registry_at_hand() {
    let home = Home::new();
    home.docker(r#"{"auths":{"x.example":{}},"credHelpers":{"x.example":"one"},"credsStore":"all-others"}"#)
        .helper("one", r#"echo '{"ServerURL":"x","Username":"u","Secret":"p"}'"#)
        .helper("all-others", r#"echo '{"Username":"<token>","Secret":"t"}'"#);
    let store = home.store();
    assert_eq!(found(&store, "x.example/a"), "u:p");
    assert_eq!(found(&store, "x.example/a"), "u:p");
    assert_eq!(home.asked(), "x.example");
    assert_eq!(found(&store, "python"), "t");
    assert_eq!(home.asked(), "x.examplehttps://index.docker.io/v1/");
}

#[test]
fn helpers_that_misbehave_end_in_an_error_that_tells_no_secret() {
    let home = Home::new();
    for (script, expected) in [
        ("echo credentials not found in native keychain; exit 1", None),
        (r#"echo '{"Username":"","Secret":""}'"#, None),
        ("echo s3cr3t; exit 3", Some("ended with code 3")),
        ("echo s3cr3t", Some("not JSON")),
        ("exec yes", Some("64 KiB")),
    ] {
        home.helper("h", script);
        let answer = helper::get("h", "x", &[home.path().to_path_buf()]);
        match expected {
            None => assert_eq!(answer, Ok(None), "{script}"),
            Some(words) => {
                let error = answer.unwrap_err().to_string();
                assert!(error.contains(words) && !error.contains("s3cr3t"), "{script}: {error}");
            }
        }
    }
    // One that hangs is killed, with what it has started.
    home.helper("slow", "sleep 600 & sleep 600");
    let begun = Instant::now();
    let answer = helper::get_within("slow", "x", &[home.path().to_path_buf()], Duration::from_millis(300));
    assert!(answer.is_err() && begun.elapsed() < Duration::from_secs(60), "{answer:?}");
    // Nothing is run from a relative directory of PATH, nor by another name.
    let relative = helper::get("slow", "x", &[PathBuf::from(".")]).unwrap_err().to_string();
    assert!(relative.contains("not on PATH"), "{relative}");
    for name in ["../x", "a/b", "a b", "", "a.b", "x;y", "$(x)", "é"] {
        assert!(!helper::is_name(name), "{name}");
    }
    home.docker(r#"{"credsStore":"../../bin/sh"}"#);
    let error = home.store().for_image("python").unwrap_err();
    assert!(matches!(&error, CredentialsError::HelperName { name, .. } if name == "../../bin/sh"), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_is_told_without_its_content_and_does_not_hide_the_others() {
    let home = Home::new();
    home.docker(r#"{"auths":{"x.example":{"auth":["s3cr3t"]}}}"#);
    let error = home.store().for_image("x.example/a").unwrap_err().to_string();
    assert!(error.contains("config.json") && error.contains("line 1") && !error.contains("s3cr3t"), "{error}");
    home.podman(&format!(r#"{{"auths":{{"x.example":{{"auth":"{}"}}}}}}"#, basic("u:p")));
    assert_eq!(found(&home.store(), "x.example/a"), "u:p");
    let directory = Places { docker: Some(home.path().to_path_buf()), ..Places::default() };
    assert!(Store::read(&directory).for_image("x").unwrap_err().to_string().contains("not a file"));
    assert_eq!(Store::read(&Places::default()).for_image("x"), Ok(None));
}

#[test]
fn proxies_are_those_of_the_endpoint_under_both_spellings() {
    let home = Home::new();
    home.docker(
        r#"{"proxies":{"default":{"httpProxy":"http://p:3128","noProxy":"localhost"},"tcp://e:1":{"allProxy":"socks5://s"}}}"#,
    );
    let pairs =
        |endpoint| home.store().proxies(endpoint).into_iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>();
    assert_eq!(
        pairs("unix:///var/run/docker.sock"),
        ["HTTP_PROXY=http://p:3128", "NO_PROXY=localhost", "http_proxy=http://p:3128", "no_proxy=localhost"]
    );
    assert_eq!(pairs("tcp://e:1"), ["ALL_PROXY=socks5://s", "all_proxy=socks5://s"]);
    assert!(Home::new().store().proxies("x").is_empty());
}

#[test]
fn references_name_their_registry() {
    for (reference, registry, path) in [
        ("python", "docker.io", "docker.io/library/python"),
        ("me/app:1", "docker.io", "docker.io/me/app"),
        ("a.example/b:1@sha256:ab", "a.example", "a.example/b"),
        ("localhost:5000/b/c:1", "localhost:5000", "localhost:5000/b/c"),
        ("localhost/b", "localhost", "localhost/b"),
    ] {
        assert_eq!((registry_of(reference), image_path(reference).as_str()), (registry, path));
    }
}
