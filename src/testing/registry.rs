//! Registries that do as a script says, on the loopback interface, and an image for them.
#![expect(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a test that cannot start its server fails")]

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use tonnage_image::testing::archives::{self, digest};

/// A request: its path, and two of its headers.
#[derive(Debug, Clone, Default)]
pub struct RegistryRequest {
    /// With its query.
    pub path: String,
    /// Empty where there is none.
    pub authorization: String,
    /// Likewise.
    pub range: String,
}

/// What is sent, and what happens then.
pub struct RegistryAnswer {
    /// Head and body.
    pub bytes: Vec<u8>,
    /// What follows.
    pub then: AfterAnswer,
}

/// What follows an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AfterAnswer {
    /// The connection ends.
    Close,
    /// It stays open, and nothing comes.
    Stall,
}

/// What is answered to a request; the number is how often its path was asked for before.
pub type RegistryScript = Box<dyn Fn(&RegistryRequest, usize) -> RegistryAnswer + Send>;

/// A server that answers by a script.
pub struct ScriptedRegistry {
    /// On the loopback interface.
    pub port: u16,
    heard: Arc<Mutex<Vec<RegistryRequest>>>,
}

impl ScriptedRegistry {
    /// Starts it; it ends with the process.
    pub fn start(script: RegistryScript) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&heard);
        std::thread::spawn(move || {
            let mut stalled = Vec::new();
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { break };
                let Some(request) = hear(&mut stream) else {
                    drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"));
                    continue;
                };
                let before =
                    log.lock().unwrap().iter().filter(|heard: &&RegistryRequest| heard.path == request.path).count();
                log.lock().unwrap().push(request.clone());
                let answer = if request.path == "/v2/" { ok(&[], "") } else { script(&request, before) };
                drop(stream.write_all(&answer.bytes));
                if answer.then == AfterAnswer::Stall {
                    stalled.push(stream);
                } else {
                    drop(stream.shutdown(Shutdown::Write));
                }
            }
        });
        Self { port, heard }
    }

    /// The requests whose path begins so.
    pub fn heard(&self, path: &str) -> Vec<RegistryRequest> {
        self.heard.lock().unwrap().iter().filter(|heard| heard.path.starts_with(path)).cloned().collect()
    }
}

/// The head of a request; nothing where it is not HTTP, such as TLS.
fn hear(stream: &mut TcpStream) -> Option<RegistryRequest> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 || (head.is_empty() && byte[0] == 0x16) {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let header = |name: &str| {
        let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
        line.and_then(|line| line.split_once(": ")).map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    let path = head.split(' ').nth(1)?.to_owned();
    Some(RegistryRequest { path, authorization: header("authorization"), range: header("range") })
}

/// An answer with a length.
pub fn answer(status: &str, headers: &str, body: &[u8]) -> RegistryAnswer {
    let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    RegistryAnswer { bytes: [head.as_bytes(), body].concat(), then: AfterAnswer::Close }
}

/// An answer that all is well.
pub fn ok(body: &[u8], headers: &str) -> RegistryAnswer {
    answer("200 OK", headers, body)
}

/// An image with one layer.
#[derive(Clone)]
pub struct OneLayerImage {
    /// Compressed.
    pub layer: Vec<u8>,
    /// Its config.
    pub config: Vec<u8>,
    /// Its manifest.
    pub manifest: Vec<u8>,
}

impl OneLayerImage {
    /// A file of 300,000 bytes that do not compress.
    pub fn incompressible() -> Self {
        // It does not compress, so that half of it is not its head.
        let mut state = 1_u32;
        let content = (0..300_000).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        });
        let tar = archives::archive(&[("etc/data".to_owned(), content.collect::<Vec<u8>>())]);
        let layer = archives::gzip(&tar);
        let config = serde_json::json!({
            "os": "linux", "architecture": "amd64",
            "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", digest(&tar))]},
        });
        let config = config.to_string().into_bytes();
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "size": config.len(),
                "digest": format!("sha256:{}", digest(&config))},
            "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "size": layer.len(),
                "digest": format!("sha256:{}", digest(&layer))}],
        });
        Self { layer, config, manifest: manifest.to_string().into_bytes() }
    }

    /// The answer of a registry that does as it should.
    pub fn answer(&self, path: &str) -> RegistryAnswer {
        if path.contains("/referrers/") {
            answer("404 Not Found", "", b"")
        } else if path.contains("/manifests/") {
            ok(&self.manifest, "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n")
        } else if path.contains(&digest(&self.config)) {
            ok(&self.config, "")
        } else {
            ok(&self.layer, "")
        }
    }

    /// Whether a request is for the layer.
    pub fn is_layer(&self, heard: &RegistryRequest) -> bool {
        heard.path.contains(&digest(&self.layer))
    }
}
