//! The architecture as a test: which layer may use which, and who alone may name a library.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// A layer (a folder of src, or one file) and what of this crate it may use.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &["domain"]),
    ("archive.rs", &["crypto", "domain"]),
    ("crypto.rs", &["domain"]),
    ("clock.rs", &["domain"]),
    ("config.rs", &["domain"]),
    ("config", &["config"]),
    ("vision", &["vision", "domain", "crypto", "clock"]),
    ("store", &["store", "domain", "crypto", "clock"]),
    ("service", &["service", "archive", "domain", "store", "config", "crypto", "clock"]),
    ("api", &["api", "domain", "service", "config", "clock", "docs"]),
    ("admin", &["admin", "domain", "service", "config"]),
    ("console", &["console", "domain", "admin", "clock"]),
    ("tls", &["config", "crypto", "domain"]),
    ("listen", &["crypto", "domain"]),
    ("outbound", &["outbound", "config", "domain", "tls"]),
    ("systemd.rs", &[]),
    ("metrics.rs", &["domain", "listen", "service", "tls"]),
    ("docs.rs", &[]),
    ("client.rs", &["clock", "crypto", "domain", "tls"]),
];

/// A library, and the files and folders that may name it.
const OWNERS: &[(&str, &[&str])] = &[
    ("sled", &["store/kv.rs"]),
    ("aws_lc_rs", &["crypto.rs", "tls"]),
    ("candle_core", &["vision"]),
    ("candle_nn", &["vision"]),
    ("image", &["vision", "console/picture.rs"]),
    ("rxing", &["vision/document/barcode.rs"]),
    ("shiguredo_mp4", &["vision/clip/mp4.rs", "vision/clip/matroska.rs"]),
    ("matroska_demuxer", &["vision/clip/matroska.rs"]),
    ("rust_h264", &["vision/clip/nal.rs"]),
    ("rust_h265", &["vision/clip/nal.rs"]),
    ("oximedia_codec", &["vision/clip/vpx.rs"]),
    ("rusty_vp9", &["vision/clip/vpx.rs"]),
    ("landlock", &["vision/clip/sandbox.rs"]),
    ("seccompiler", &["vision/clip/sandbox.rs"]),
    ("actix_web", &["api", "listen", "server.rs", "server"]),
    ("actix_multipart", &["api"]),
    ("actix_http", &["listen"]),
    ("actix_server", &["listen"]),
    ("actix_service", &["listen"]),
    ("tokio_rustls", &["listen"]),
    ("sd_notify", &["systemd.rs"]),
    ("prometheus_client", &["metrics.rs"]),
    ("ratatui", &["console"]),
    ("crossterm", &["console"]),
    ("ratatui_image", &["console"]),
    ("ureq", &["client.rs", "outbound/send.rs"]),
    ("hickory_resolver", &["outbound/resolve.rs"]),
    ("rcgen", &["tls"]),
    ("tracing_subscriber", &["telemetry.rs"]),
];

#[test]
fn each_layer_uses_only_what_lies_beneath_it() {
    for (layer, allowed) in LAYERS {
        for (file, text) in sources(&Path::new("src").join(layer)) {
            for used in words_after(&text, "crate::") {
                assert!(
                    allowed.contains(&used.as_str()),
                    "{} uses crate::{used}, which {layer} may not",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn each_library_is_named_only_by_its_owner() {
    for (library, owners) in OWNERS {
        for (file, text) in sources(Path::new("src")) {
            let owned = owners.iter().any(|owner| file.starts_with(Path::new("src").join(owner)));
            let named = text.contains(&format!("{library}::")) && !words_after(&text, "").is_empty();
            let named = named
                && text.match_indices(&format!("{library}::")).any(|(at, _)| {
                    // `crate::vision::image::` is ours; `image::` at the start of a path is the library.
                    !text[..at].ends_with("::") && !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
                });
            assert!(owned || !named, "{} names {library}, which belongs to {owners:?}", file.display());
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    for (file, text) in sources(Path::new("src")) {
        assert!(text.starts_with("//!"), "{} does not begin with what it is", file.display());
    }
}

fn sources(path: &Path) -> Vec<(PathBuf, String)> {
    if path.is_dir() {
        let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        return entries.flat_map(|path| sources(&path)).collect();
    }
    let is_source = path.extension().is_some_and(|extension| extension == "rs");
    if is_source { vec![(path.to_owned(), fs::read_to_string(path).unwrap())] } else { Vec::new() }
}

fn words_after(text: &str, prefix: &str) -> Vec<String> {
    text.match_indices(prefix)
        .filter(|(at, _)| !text[..*at].ends_with('$'))
        .map(|(at, _)| text[at + prefix.len()..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect())
        .collect()
}
