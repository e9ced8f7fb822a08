//! `explore` with the page in it. Built with the feature `page`, for which `ARCHETYPAL_PAGE_DIST=tests/cli/page` gives a
//! page that stands in for the real one.

use crate::{
    explore::{names, with_pictures},
    support::Scene,
};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Stdio},
};

const WORDS: &str = "explore sae.safetensors grid.safetensors --examples pictures.jsonl";

#[test]
fn a_folder_with_page_and_atlas() {
    let scene = with_pictures(Scene::new().trained());
    for _ in 0..2 {
        scene.ok(&format!("{WORDS} --out site"));
        let names = names(&scene, "site");
        assert!(
            ["assets", "atlas", "index.html"].iter().all(|name| names.contains(&(*name).into()))
        );
        assert!(scene.path("site/atlas/manifest.json").exists());
        assert!(scene.path("site/atlas/images/00000.png").exists());
    }
}

/// The command as it serves, on a port of its own.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(scene: &Scene) -> Self {
        let mut command = scene.command(&format!("{WORDS} --port 0 --json --quiet"));
        command.env("TMPDIR", scene.path("")).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let figures: serde_json::Value = serde_json::from_str(&line).unwrap();
        let url = figures["url"].as_str().unwrap();
        let address = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{figures}");
        Self { child, address }
    }

    /// Head and body of the answer to a request, whose path is sent as it stands.
    fn ask(&self, method: &str, path: &str, host: &str) -> (String, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        (String::from_utf8(answer[..end].to_vec()).unwrap(), answer[end..].to_vec())
    }

    fn get(&self, path: &str) -> (String, Vec<u8>) {
        self.ask("GET", path, &self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already is what most tests want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn serves_page_and_atlas() {
    let scene = with_pictures(Scene::new().trained());
    let server = Server::start(&scene);
    for (path, kind) in [
        ("/", "text/html"),
        ("/index.html?concept=3", "text/html"),
        ("/atlas/manifest.json", "application/json"),
        ("/atlas/concepts.safetensors", "application/octet-stream"),
        ("/atlas/images/00000.png", "image/png"),
    ] {
        let (head, body) = server.get(path);
        assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        assert!(head.contains(&format!("content-type: {kind}")), "{path}: {head}");
        assert!(head.contains("cache-control: no-cache"), "{head}");
        assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
        let (head, nothing) = server.ask("HEAD", path, &server.address);
        assert!(head.contains(&format!("content-length: {}", body.len())) && nothing.is_empty());
    }
    assert_eq!(server.get("/atlas/images/00001.png").1, [1]);
}

#[test]
fn serves_nothing_else_to_nobody_else() {
    let scene = with_pictures(Scene::new().trained());
    let server = Server::start(&scene);
    for path in [
        "/nothing",
        "/atlas",
        "/atlas/",
        "/../sae.safetensors",
        "/atlas/../../sae.safetensors",
        "/%2e%2e/sae.safetensors",
        "/..%2fsae.safetensors",
        "//etc/passwd",
        "/atlas//etc/passwd",
        "/atlas/manifest.json/",
    ] {
        assert!(server.get(path).0.starts_with("HTTP/1.1 404"), "{path}");
    }
    let (head, _) = server.ask("POST", "/", &server.address);
    assert!(head.starts_with("HTTP/1.1 405") && head.contains("allow: GET, HEAD"), "{head}");
    assert!(server.ask("GET", "/", "elsewhere.example:80").0.starts_with("HTTP/1.1 403"));
    assert!(server.ask("GET", "/", "localhost:80").0.starts_with("HTTP/1.1 200"));

    // Another one cannot have the same port.
    let port = server.address.rsplit_once(':').unwrap().1;
    scene.fails(1, &format!("{WORDS} --port {port}"), &["could not serve on", port]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_it_and_leaves_nothing() {
    let scene = with_pictures(Scene::new().trained());
    let mut server = Server::start(&scene);
    let part = |name: &String| name.starts_with(".archetypal-");
    assert!(names(&scene, ".").iter().any(part));
    let pid = server.child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(!names(&scene, ".").iter().any(part));
}
