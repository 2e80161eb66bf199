//! As much of `WebDriver` (<https://www.w3.org/TR/webdriver2/>) as the tests need, over one socket to chromedriver.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

/// Keys that the tests press.
#[derive(Debug, Clone, Copy)]
pub enum Keys {
    /// Return.
    Enter,
    /// Escape.
    Escape,
}

/// One browser at a time: seven of them on two cores only wait for each other.
static ONE: Mutex<()> = Mutex::new(());

/// A browser window; closed when dropped.
pub struct Browser {
    _one: MutexGuard<'static, ()>,
    driver: Child,
    port: u16,
    session: String,
}

fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| names.iter().map(move |name| folder.join(name)))
        .find(|file| file.is_file())
}

impl Browser {
    /// Starts one; `None` where the tests shall go without.
    pub fn start(width: u32, height: u32) -> Option<Self> {
        if std::env::var_os("TONNAGE_SKIP_BROWSER").is_some_and(|value| value == "1") {
            return None;
        }
        let (chromium, driver) = (
            find(&["chromium", "chromium-browser", "google-chrome"]),
            find(&["chromedriver", "chromium.chromedriver"]),
        );
        let (Some(chromium), Some(driver)) = (chromium, driver) else {
            panic!(
                "no Chromium with chromedriver here: `apt-get install chromium chromium-driver`, or set \
                 TONNAGE_SKIP_BROWSER=1 to go without the tests of the page"
            );
        };
        let one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
        let mut driver =
            Command::new(driver).arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        // "ChromeDriver was started successfully on port 41234."
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.split("started successfully on port ").nth(1)?.trim_end_matches('.').parse().ok())
            .expect("chromedriver says its port");
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let mut browser = Self { _one: one, driver, port, session: String::new() };
        let arguments =
            ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage"];
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": chromium, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let made = browser.call("POST", "/session", &capabilities);
        browser.session = format!("/session/{}", made["sessionId"].as_str().expect("a session"));
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        browser.devtools("Emulation.setDeviceMetricsOverride", metrics);
        Some(browser)
    }

    /// Loads an address.
    pub fn open(&self, address: &str) {
        self.of_session("/url", &json!({"url": address}));
    }

    /// Runs a script and gives what it returns.
    pub fn run(&self, script: &str, arguments: Value) -> Value {
        self.of_session("/execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// Clicks the first element that matches, as a user would: it must be visible and not covered.
    pub fn click(&self, selector: &str) {
        let element = self.element(selector);
        self.of_session(&format!("/element/{element}/click"), &json!({}));
    }

    /// Puts the focus on the first element that matches.
    pub fn focus(&self, selector: &str) {
        self.run("document.querySelector(arguments[0]).focus()", json!([selector]));
    }

    /// Presses and releases a key.
    pub fn press(&self, key: Keys) {
        // Code points of WebDriver 2, 17.4.2.
        let key = match key {
            Keys::Enter => "\u{e007}",
            Keys::Escape => "\u{e00c}",
        };
        let actions = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        self.of_session("/actions", &json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}));
    }

    /// Sets the colour scheme that the user prefers.
    pub fn prefer(&self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.devtools("Emulation.setEmulatedMedia", json!({"features": features}));
    }

    /// What the console said since it was last asked.
    pub fn console(&self) -> Vec<String> {
        let lines = self.of_session("/se/log", &json!({"type": "browser"}));
        let lines = lines.as_array().cloned().unwrap_or_default();
        lines.iter().map(|line| line["message"].as_str().unwrap_or_default().to_owned()).collect()
    }

    fn element(&self, selector: &str) -> String {
        let found = self.of_session("/element", &json!({"using": "css selector", "value": selector}));
        // The name of the reference is fixed by the standard.
        found["element-6066-11e4-a52e-4f735466cecf"]
            .as_str()
            .unwrap_or_else(|| panic!("no {selector}: {found}"))
            .to_owned()
    }

    fn devtools(&self, command: &str, parameters: Value) {
        self.of_session("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}));
    }

    fn of_session(&self, path: &str, body: &Value) -> Value {
        self.call("POST", &format!("{}{path}", self.session), body)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let value = self.ask(method, path, body).unwrap();
        assert!(value["error"].is_null(), "{method} {path}: {value}");
        value
    }

    /// What the driver answers; never panics, since it is needed when a test already does.
    fn ask(&self, method: &str, path: &str, body: &Value) -> std::io::Result<Value> {
        let body = body.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(120)))?;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            body.len()
        )?;
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Err(std::io::Error::other("chromedriver went away"));
            }
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(std::io::Error::other)?;
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer)?;
        let answer: Value = serde_json::from_slice(&answer)?;
        Ok(answer["value"].clone())
    }
}

impl Drop for Browser {
    /// Ends Chromium too when a test has panicked: killing the driver alone would leave it behind.
    fn drop(&mut self) {
        if !self.session.is_empty() {
            drop(self.ask("DELETE", &self.session, &json!({})));
        }
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}
