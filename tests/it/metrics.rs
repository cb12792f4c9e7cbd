//! What Prometheus reads.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::harness::Server;

fn scrape(server: &Server) -> String {
    let mut socket = TcpStream::connect(server.metrics().unwrap()).unwrap();
    socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200"), "{text}");
    text
}

fn value(text: &str, name: &str) -> f64 {
    let line = text.lines().find(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')));
    line.unwrap_or_else(|| panic!("{name} is missing:\n{text}")).rsplit(' ').next().unwrap().parse().unwrap()
}

#[test]
fn metrics_count_what_was_done_and_name_nobody() {
    let server = Server::start_with("[metrics]\nlisten = \"127.0.0.1:0\"");
    let token = server.session();
    assert_eq!(server.compare(&token, "cosine 0.8").status, 200);
    assert_eq!(server.get_as("nobody", "/users").status, 403);
    let text = scrape(&server);
    assert_eq!(value(&text, "twoface_jobs_total{operation=\"compare_faces\",verdict=\"succeeded\"}"), 1.0);
    assert_eq!(value(&text, "twoface_job_seconds_count{operation=\"compare_faces\"}"), 1.0);
    assert_eq!(value(&text, "twoface_job_seconds_bucket{le=\"+Inf\",operation=\"compare_faces\"}"), 1.0);
    assert_eq!(value(&text, "twoface_requests_total{class=\"4xx\"}"), 1.0);
    assert!(value(&text, "twoface_requests_total{class=\"2xx\"}") >= 2.0);
    assert_eq!((value(&text, "twoface_sessions_open"), value(&text, "twoface_jobs_queued")), (1.0, 0.0));
    assert!(value(&text, "twoface_connections") >= 1.0 && value(&text, "process_open_fds") > 3.0);
    assert!(value(&text, "twoface_disk_free_bytes") > 0.0 && value(&text, "twoface_certificate_expires_seconds") > 0.0);
    assert!(!text.contains("test") && !text.contains(&token));
    // The dashboard and the alerts ask for nothing that is not there.
    let asked = [include_str!("../../assets/grafana-dashboard.json"), include_str!("../../assets/alerts.yml")].concat();
    for word in
        asked.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.starts_with("twoface_"))
    {
        let there = text.contains(word) || word == "twoface_backup_age_seconds";
        assert!(there, "{word} is asked for, and not there");
    }
}
