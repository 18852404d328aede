//! The hub's page: its files are part of the program, and nothing else is asked for.

use std::hash::{DefaultHasher, Hasher};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use hyper::{Response, StatusCode};

use super::http::Answer;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

/// Nothing is loaded from elsewhere, and nothing runs that is not a file of its own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// A file, by where it is asked for.
struct File {
    path: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
}

macro_rules! files {
    ($($name:literal $kind:ident,)*) => {
        &[$(File {
            path: concat!("/page/", $name),
            kind: $kind,
            bytes: include_bytes!(concat!("page/", $name)),
        }),*]
    };
}

const INDEX: File = File { path: "/", kind: HTML, bytes: include_bytes!("page/index.html") };

/// All files but the first. The client of Socket.IO is `dist/socket.io.esm.min.js` of the npm package socket.io-client 4.8.4, as it is.
const FILES: &[File] = files! {
    "style.css" CSS,
    "icon.svg" SVG,
    "theme_first.js" JS,
    "cards.js" JS,
    "clock.js" JS,
    "dom.js" JS,
    "format.js" JS,
    "frame.js" JS,
    "history.js" JS,
    "keyboard.js" JS,
    "main.js" JS,
    "parts.js" JS,
    "picker.js" JS,
    "plot.js" JS,
    "points.js" JS,
    "replay.js" JS,
    "room.js" JS,
    "room_list.js" JS,
    "sections.js" JS,
    "spark.js" JS,
    "stats.js" JS,
    "status.js" JS,
    "theme.js" JS,
    "tree.js" JS,
    "wire.js" JS,
    "views/curves.js" JS,
    "views/executors.js" JS,
    "views/rings.js" JS,
    "views/rooms.js" JS,
    "views/sessions.js" JS,
    "views/workers.js" JS,
    "vendor/socket.io.esm.min.js" JS,
    "vendor/LICENSE" TEXT,
};

/// Answers what is asked for at a path of the page; `None` where there is nothing.
pub(super) fn answer(path: &str, headers: &HeaderMap) -> Option<Answer> {
    let file = std::iter::once(&INDEX).chain(FILES).find(|file| file.path == path)?;
    let tag = file.tag();
    let is_known = headers
        .get_all(IF_NONE_MATCH)
        .into_iter()
        .filter_map(|tags| tags.to_str().ok())
        .any(|tags| tags.split(',').any(|known| known.trim().trim_start_matches("W/") == tag));
    let mut answer =
        Response::new(Full::new(if is_known { Bytes::new() } else { Bytes::from_static(file.bytes) }));
    if is_known {
        *answer.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = answer.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(ETAG, tag);
    }
    for (name, value) in [
        (CONTENT_TYPE, file.kind),
        (CACHE_CONTROL, "no-cache"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Some(answer)
}

impl File {
    /// Returns what tells its content from that of another program's.
    fn tag(&self) -> String {
        // Some 20 us for the longest of them. Another release may hash in another way, and has the file loaded once more.
        let mut hasher = DefaultHasher::new();
        hasher.write(self.bytes);
        format!("\"{:x}-{:016x}\"", self.bytes.len(), hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use hyper::body::Body;

    use super::*;

    fn text(file: &File) -> &'static str {
        std::str::from_utf8(file.bytes).unwrap()
    }

    #[test]
    fn each_file_of_the_folder_is_served_and_each_import_leads_to_one() {
        fn walk(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
            for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
                match entry.path() {
                    path if path.is_dir() => walk(&path, &format!("{name}/"), found),
                    _ => drop(found.insert(name)),
                }
            }
        }
        let mut found = BTreeSet::new();
        walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/hub/page"), "/page/", &mut found);
        let mut served: BTreeSet<_> = FILES.iter().map(|file| file.path.to_owned()).collect();
        served.insert("/page/index.html".to_owned());
        assert_eq!(found, served);
        for file in FILES.iter().filter(|file| file.kind == JS && !file.path.contains("/vendor/")) {
            let folder = file.path.rsplit_once('/').unwrap().0;
            for import in text(file).lines().filter(|line| line.starts_with("import ")) {
                let named = import.split('"').nth(1).unwrap();
                let path = match named.strip_prefix("../") {
                    Some(above) => format!("{}/{above}", folder.rsplit_once('/').unwrap().0),
                    None => format!("{folder}/{}", named.trim_start_matches("./")),
                };
                assert!(served.contains(&path), "{}: {import}", file.path);
            }
        }
    }

    #[test]
    fn no_file_names_another_host_runs_text_or_puts_any_in_as_html() {
        for file in std::iter::once(&INDEX).chain(FILES).filter(|file| !file.path.contains("/vendor/")) {
            let text = text(file).replace("http://www.w3.org/2000/svg", "");
            for never in [
                "http://",
                "https://",
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
            ] {
                assert!(!text.contains(never), "{}: {never}", file.path);
            }
            assert!(file.kind != HTML || !text.contains(" style=") && !text.contains("<script>"));
        }
    }

    #[test]
    fn a_file_that_is_known_is_not_sent_again() {
        let first = answer("/", &HeaderMap::new()).unwrap();
        assert_eq!(first.headers()[CONTENT_SECURITY_POLICY], POLICY);
        let tag = first.headers()[ETAG].clone();
        assert_eq!(first.body().size_hint().exact(), Some(INDEX.bytes.len() as u64));
        for known in [tag.to_str().unwrap().to_owned(), format!("\"other\", W/{}", tag.to_str().unwrap())] {
            let mut headers = HeaderMap::new();
            headers.insert(IF_NONE_MATCH, HeaderValue::from_str(&known).unwrap());
            let again = answer("/", &headers).unwrap();
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
            assert_eq!(again.headers()[ETAG], tag);
            assert_eq!(again.body().size_hint().exact(), Some(0));
        }
        let mut headers = HeaderMap::new();
        headers.insert(IF_NONE_MATCH, HeaderValue::from_static("\"other\""));
        assert_eq!(answer("/", &headers).unwrap().status(), StatusCode::OK);
        assert!(answer("/page/../Cargo.toml", &HeaderMap::new()).is_none());
    }
}
