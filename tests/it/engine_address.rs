//! How an engine is found, and what is said where none is.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::sandbox::{Ran, Sandbox};

/// `tonnage doctor` with these variables of Docker's and nothing else that names an engine.
fn doctor(arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&[&["doctor"], arguments].concat());
    for name in ["DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "XDG_RUNTIME_DIR"] {
        command.env_remove(name);
    }
    command.env("DOCKER_CONFIG", sandbox.path("docker"));
    command.envs(variables.iter().copied());
    Ran::from(command.output().unwrap())
}

/// A server that gives every request the same answer; its address.
fn answering(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            drop(stream.read(&mut [0; 4096]));
            drop(stream.write_all(answer));
        }
    });
    address
}

/// A port of this machine that nobody listens at.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn an_empty_docker_host_is_none() {
    let ran = doctor(&[], &[("DOCKER_HOST", "")]);
    assert!(!ran.stderr.contains("is not an engine address"), "{}", ran.stderr);
    assert!(ran.stdout.contains("usual place") || ran.stdout.contains("engine  "), "{}", ran.stdout);
}

#[test]
fn an_address_without_a_scheme_is_one_of_tcp() {
    let port = free_port();
    for address in [format!("127.0.0.1:{port}"), format!("tcp://127.0.0.1:{port}")] {
        let ran = doctor(&[], &[("DOCKER_HOST", &address)]).expect(6);
        ran.complains(&[&format!("`tcp://127.0.0.1:{port}`"), "nothing listens there"]);
    }
}

#[test]
fn a_context_is_chosen_by_name_over_the_environment() {
    doctor(&["--context", "lab"], &[("DOCKER_HOST", "tcp://127.0.0.1:1")]).expect(6).complains(&["context lab"]);
    let both = doctor(&["--context", "lab", "--host", "tcp://a:1"], &[]).expect(2);
    assert!(both.stderr.contains("cannot be used with"), "{}", both.stderr);
}

#[test]
fn each_obstacle_has_its_own_reason_and_hint() {
    let hint = |ran: &Ran| {
        ran.stderr
            .lines()
            .find(|line| line.starts_with("hint: "))
            .unwrap_or_else(|| panic!("{}", ran.stderr))
            .to_owned()
    };
    let port = free_port();
    let not_tls = answering(b"HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    let only_tls = answering(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n");
    for (address, reason, advice) in [
        (format!("tcp://127.0.0.1:{port}"), "nothing listens there", "check the port"),
        ("unix:///nowhere.sock".to_owned(), "no such socket", "start the engine"),
        (format!("tcp://{not_tls}"), "does not answer like a container engine", "another program listens there"),
        (format!("tcp://{only_tls}"), "HTTP request to an HTTPS server", "DOCKER_TLS_VERIFY=1"),
    ] {
        let ran = doctor(&["--host", &address], &[]).expect(6);
        let told = hint(&ran);
        assert!(told.contains(advice), "{address}: {told}");
        assert!(!told.contains("apt-get install"), "an engine was named: {told}");
        ran.complains(&[reason]);
    }
}
