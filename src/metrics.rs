//! What Prometheus reads at `/metrics`: the numbers of `service::statistics`, and what only the process and the machine know.
//!
//! On a listener of its own, because it needs no credential: nothing in it names a person, an account or a key.

use std::fmt::Error;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use crate::domain::time::Timestamp;
use crate::listen::Addresses;
use crate::service::Service;
use crate::service::statistics::{Figures, Histogram};
use crate::tls::Certificate;

/// As scrapers ask for it.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Of each power of ten of a histogram, these are told: 2, 5 and 10 times.
const BOUNDS_TOLD: [usize; 3] = [2, 6, 9];

/// Where the numbers come from.
#[derive(Clone)]
pub struct Source {
    pub service: Arc<Service>,
    pub addresses: Arc<Addresses>,
    /// `None`: plain HTTP on loopback.
    pub certificate: Option<Arc<Certificate>>,
    pub started_at: Timestamp,
}

impl Source {
    /// Everything as text.
    pub fn render(&self) -> Result<String, Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self.clone()));
        let mut out = String::new();
        text::encode(&mut out, &registry)?;
        Ok(out)
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Source(..)")
    }
}

impl Collector for Source {
    fn encode(&self, encoder: DescriptorEncoder) -> Result<(), Error> {
        let now = self.service.now();
        let mut out = Out(encoder);
        out.server(self, now)?;
        out.traffic(self, &self.service.statistics().figures(now))?;
        out.machine(self)
    }
}

/// Metrics as they are written.
struct Out<'a>(DescriptorEncoder<'a>);

impl Out<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: f64) -> Result<(), Error> {
        let gauge = ConstGauge::new(value);
        gauge.encode(self.0.encode_descriptor(name, help, None, gauge.metric_type())?)
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> Result<(), Error> {
        let counter = ConstCounter::new(value);
        counter.encode(self.0.encode_descriptor(name, help, None, counter.metric_type())?)
    }

    fn server(&mut self, source: &Source, now: Timestamp) -> Result<(), Error> {
        let service = &source.service;
        let mut info = self.0.encode_descriptor("twoface_build", "The program", None, MetricType::Gauge)?;
        let one = ConstGauge::new(1_u64);
        one.encode(info.encode_family(&[("version", env!("CARGO_PKG_VERSION"))])?)?;
        self.gauge("twoface_ready", "1 once the networks have run", f64::from(u8::from(service.is_ready())))?;
        let started = source.started_at.as_millis() as f64 / 1e3;
        self.gauge("twoface_start_time_seconds", "When the server started, since 1970", started)?;
        let writable = f64::from(u8::from(!service.is_store_stopped()));
        self.gauge("twoface_store_writable", "0 after a failed write; the process is about to end", writable)?;
        if let Some(end) = source.certificate.as_ref().and_then(|certificate| certificate.not_after()) {
            let left = (end.as_millis() - now.as_millis()) as f64 / 1e3;
            self.gauge("twoface_certificate_expires_seconds", "Until the certificate ends", left)?;
        }
        if let Some(at) = service.last_backup_at() {
            let age = (now.as_millis() - at.as_millis()) as f64 / 1e3;
            self.gauge("twoface_backup_age_seconds", "Since the last backup that the server was asked for", age)?;
        }
        if let Ok(open) = service.sessions_open() {
            self.gauge("twoface_sessions_open", "Sessions whose token may still work", open as f64)?;
        }
        let not_searched = service.faces_not_searched() as f64;
        let help = "Enrolled and blocked faces that no search goes through, because another network made them";
        self.gauge("twoface_faces_not_searched", help, not_searched)?;
        if let Ok(waiting) = service.reviews_waiting() {
            self.gauge("twoface_reviews_waiting", "Attempts that wait for a reviewer", waiting as f64)?;
        }
        Ok(())
    }

    fn traffic(&mut self, source: &Source, figures: &Figures) -> Result<(), Error> {
        let mut requests = self.0.encode_descriptor(
            "twoface_requests",
            "Answers, by the first digit of the status",
            None,
            MetricType::Counter,
        )?;
        for (class, count) in figures.requests_by_class.iter().enumerate().skip(1) {
            ConstCounter::new(*count).encode(requests.encode_family(&[("class", format!("{class}xx"))])?)?;
        }
        self.counter(
            "twoface_requests_limited",
            "Requests refused because an account had used up its quota",
            figures.limited,
        )?;
        let (waiting, running) = source.service.jobs_waiting_and_running();
        self.gauge("twoface_jobs_queued", "Jobs that wait for a worker", waiting as f64)?;
        self.gauge("twoface_jobs_running", "Jobs that a worker has", running as f64)?;
        let config = source.service.config();
        self.gauge("twoface_jobs_queue_max", "Jobs that may wait", config.jobs.queue_max as f64)?;
        self.gauge("twoface_workers", "Threads that run jobs", config.workers() as f64)?;
        let mut jobs = self.0.encode_descriptor("twoface_jobs", "Jobs that ended", None, MetricType::Counter)?;
        for operation in &figures.operations {
            let counts = &operation.counts;
            let verdicts = [("succeeded", counts.succeeded), ("failed", counts.failed), ("invalid", counts.invalid)];
            for (verdict, count) in verdicts {
                let labels = [("operation", operation.name.as_str()), ("verdict", verdict)];
                ConstCounter::new(count).encode(jobs.encode_family(&labels)?)?;
            }
        }
        let mut times = self.0.encode_descriptor(
            "twoface_job_seconds",
            "How long a worker had a job",
            None,
            MetricType::Histogram,
        )?;
        for operation in &figures.operations {
            Told(&operation.counts.ran).encode(times.encode_family(&[("operation", operation.name.as_str())])?)?;
        }
        Ok(())
    }

    fn machine(&mut self, source: &Source) -> Result<(), Error> {
        let addresses = &source.addresses;
        self.gauge("twoface_connections", "Connections held now", addresses.connections() as f64)?;
        let refused = "Connections closed at once because their address had too many";
        self.counter("twoface_connections_refused", refused, addresses.refused())?;
        let failed = "Connections that ended in the TLS handshake";
        self.counter("twoface_handshakes_failed", failed, addresses.failed_handshakes())?;
        if let Ok(disk) = rustix::fs::statvfs(&source.service.config().data.dir) {
            let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize) as f64;
            self.gauge("twoface_disk_free_bytes", "Free on the disk of the data folder", bytes(disk.f_bavail))?;
            self.gauge("twoface_disk_bytes", "Size of the disk of the data folder", bytes(disk.f_blocks))?;
        }
        if let Some(bytes) = resident_bytes() {
            self.gauge("process_resident_memory_bytes", "Memory of the process", bytes as f64)?;
        }
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            self.gauge("process_open_fds", "Descriptors of the process", open.count() as f64)?;
        }
        Ok(())
    }
}

/// A histogram of ours as Prometheus wants it, with fewer bounds.
struct Told<'a>(&'a Histogram);

impl EncodeMetric for Told<'_> {
    fn encode(&self, mut encoder: MetricEncoder) -> Result<(), Error> {
        let mut told = 0;
        let mut buckets = Vec::new();
        for (number, (bound, below)) in self.0.cumulative().enumerate() {
            if BOUNDS_TOLD.contains(&(number % 10)) || bound.is_infinite() {
                buckets.push((bound, below - told));
                told = below;
            }
        }
        encoder.encode_histogram::<[(&str, &str); 0]>(self.0.sum_seconds, self.0.count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

/// As the kernel tells it.
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kibibytes| kibibytes << 10)
}
