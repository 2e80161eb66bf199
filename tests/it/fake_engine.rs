//! A container engine's HTTP API with answers that a test makes up.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// Status and body of an answer.
pub(crate) type Answer = (u16, String);

/// Answers requests until the test program ends.
pub(crate) struct FakeEngine {
    pub(crate) host: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl FakeEngine {
    /// An idle, empty Docker 20.10; `own` may give other answers to a request such as `GET /system/df`, which is counted
    /// from 0.
    pub(crate) fn start(own: impl Fn(&str, usize) -> Option<Answer> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = format!("tcp://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            let mut counts = BTreeMap::new();
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let Some(request) = read(&stream) else { continue };
                let count = counts.entry(request.clone()).or_insert(0);
                let (status, body) = own(&request, *count).unwrap_or_else(|| usual(&request));
                *count += 1;
                seen.lock().unwrap().push(request);
                let head =
                    format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
                drop(stream.write_all(format!("{head}{body}").as_bytes()));
            }
        });
        Self { host, requests }
    }

    /// How often it was asked this.
    pub(crate) fn count(&self, request: &str) -> usize {
        self.requests.lock().unwrap().iter().filter(|seen| *seen == request).count()
    }
}

/// Method and path of a request, without version and query; its body is read and left.
fn read(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?, words.next()?.split('?').next()?.to_owned());
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim().to_ascii_lowercase().split_once(": ") {
            Some(("content-length", digits)) => length = digits.parse().unwrap(),
            Some(_) => {}
            None => break,
        }
    }
    reader.take(length).read_to_end(&mut Vec::new()).ok()?;
    let path = match path.strip_prefix("/v").and_then(|rest| rest.split_once('/')) {
        Some((version, rest)) if version.starts_with(|c: char| c.is_ascii_digit()) => format!("/{rest}"),
        _ => path,
    };
    Some(format!("{method} {path}"))
}

fn usual(request: &str) -> Answer {
    let body = match request {
        "GET /version" => r#"{"Version":"20.10.24","ApiVersion":"1.41","Components":[{"Name":"Engine"}]}"#,
        "GET /info" => {
            r#"{"Driver":"overlay2","OSType":"linux","Architecture":"x86_64","KernelVersion":"0.0.0-fake","NCPU":2,
            "MemTotal":1000000000,"DockerRootDir":"/var/lib/docker","SystemTime":"2026-11-01T12:00:00Z"}"#
        }
        "GET /images/json" | "GET /containers/json" | "GET /networks" => "[]",
        "GET /system/df" => r#"{"LayersSize":5,"BuildCache":[]}"#,
        _ => return (404, r#"{"message":"no such thing"}"#.to_owned()),
    };
    (200, body.to_owned())
}
