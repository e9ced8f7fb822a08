//! The page and its atlas over HTTP, for this machine only.

use crate::{failure::Outcome, interrupt};
use archetypal::Error;
use http_body_util::Full;
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header::{self, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{
    collections::BTreeMap,
    convert::Infallible,
    fs, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    rc::Rc,
    time::Duration,
};

/// The port unless one is asked for.
const USUAL_PORT: u16 = 7878;
/// How often Ctrl-C is looked for.
const PATIENCE: Duration = Duration::from_millis(100);

/// A place on 127.0.0.1 where the page can be found.
pub struct Door {
    listener: TcpListener,
    address: SocketAddr,
}

impl Door {
    /// On `port`, or on the usual one or else any that is free.
    pub fn open(port: Option<u16>) -> Outcome<Self> {
        let bind = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        let listener = match port {
            Some(port) => bind(port),
            None => bind(USUAL_PORT).or_else(|_| bind(0)),
        };
        let opened = listener.and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(Self { address: listener.local_addr()?, listener })
        });
        let asked = port.unwrap_or(USUAL_PORT);
        Ok(opened.map_err(|e| Error::io("serve on", format!("127.0.0.1:{asked}"), e))?)
    }

    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Serves the files of `folder` until Ctrl-C.
    pub fn serve(self, folder: &Path) -> Outcome {
        let failed = |e| Error::io("serve", folder, e);
        let mut files = BTreeMap::new();
        list(folder, "/", &mut files).map_err(failed)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let served = runtime.and_then(|runtime| {
            tokio::task::LocalSet::new().block_on(&runtime, accept(self.listener, Rc::new(files)))
        });
        Ok(served.map_err(failed)?)
    }
}

/// What there is, by the path of its URL. Nothing else can be asked for.
type Files = BTreeMap<String, PathBuf>;

fn list(folder: &Path, within: &str, files: &mut Files) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{within}{}", entry.file_name().to_string_lossy());
        match entry.file_type()?.is_dir() {
            true => list(&entry.path(), &format!("{name}/"), files)?,
            false => drop(files.insert(name, entry.path())),
        }
    }
    Ok(())
}

async fn accept(listener: TcpListener, files: Rc<Files>) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    while !interrupt::requested() {
        // A visitor who is gone before being let in is no reason to stop.
        let Ok(Ok((stream, _))) = tokio::time::timeout(PATIENCE, listener.accept()).await else {
            continue;
        };
        let files = files.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let response = respond(&files, &request);
            async { Ok::<_, Infallible>(response) }
        });
        // Neither is one who leaves in the middle.
        tokio::task::spawn_local(
            http1::Builder::new().serve_connection(TokioIo::new(stream), service),
        );
    }
    Ok(())
}

fn respond<B>(files: &Files, request: &Request<B>) -> Response<Full<Bytes>> {
    let path = match request.uri().path() {
        "/" => "/index.html",
        path => path,
    };
    if !is_local(request.headers().get(header::HOST)) {
        return plain(StatusCode::FORBIDDEN);
    }
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        let mut refusal = plain(StatusCode::METHOD_NOT_ALLOWED);
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return refusal;
    }
    let Some(file) = files.get(path) else { return plain(StatusCode::NOT_FOUND) };
    let Ok(bytes) = fs::read(file) else { return plain(StatusCode::INTERNAL_SERVER_ERROR) };
    // To HEAD the server sends the headers alone.
    let mut response = Response::new(Full::new(Bytes::from(bytes)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Whether a request names this machine: a page from elsewhere whose name was made to lead here does not.
fn is_local(host: Option<&HeaderValue>) -> bool {
    let Some(host) = host.and_then(|host| host.to_str().ok()) else { return true };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    ["127.0.0.1", "localhost"].contains(&name)
}

/// A status in words.
fn plain(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{status}\n"))));
    *response.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, text);
    response
}

/// The type that a browser asks for by the end of a name.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "wasm" => "application/wasm",
        "txt" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "webp" => "image/webp",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "avif" => "image/avif",
        "bmp" => "image/bmp",
        "ico" => "image/vnd.microsoft.icon",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
