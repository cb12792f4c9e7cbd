//! Puts the parts together: the store, the models, the service, the listener. Nothing else knows them all.

mod beside;

use std::fmt;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::middleware::from_fn;
use actix_web::{App, HttpResponse, web};

use crate::admin;
use crate::api;
use crate::clock::Clock;
use crate::config::{Clips, Config, Landlock};
use crate::domain::audit::{Act, Actor};
use crate::domain::evidence::Examiner;
use crate::domain::time::Timestamp;
use crate::domain::webhook::Courier;
use crate::listen::{self, Addresses};
use crate::metrics;
use crate::outbound::Outbound;
use crate::service::workflows::Workflows;
use crate::service::{Service, audit};
use crate::store::{MasterKey, OpenOptions, Passphrase, Store};
use crate::systemd;
use crate::telemetry;
use crate::tls;
use crate::vision::{self, clip};

/// Exit code after the store has stopped (EX_IOERR of BSD's sysexits.h).
const STORE_STOPPED: i32 = 74;

/// The server cannot start; the text says what to mend.
#[derive(Debug)]
pub struct CannotStart(pub String);

impl fmt::Display for CannotStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CannotStart {}

impl<T: fmt::Display> From<(&'static str, T)> for CannotStart {
    fn from((what, why): (&'static str, T)) -> Self {
        Self(format!("{what}: {why}"))
    }
}

/// Connections to the listener for metrics.
const SCRAPERS_MAX: usize = 16;

/// A request's time beyond that of its body: waiting for memory and for the outcome (`Prefer: wait`), with room to spare.
const REQUEST_SECONDS_BEYOND_BODY: u64 = 60;

/// A server that answers. Ends when [`Running::stop`] is called.
pub struct Running {
    pub address: SocketAddr,
    /// Where /metrics is answered.
    pub metrics: Option<SocketAddr>,
    /// `None`: plain HTTP on loopback.
    pub certificate: Option<Arc<tls::Certificate>>,
    pub service: Arc<Service>,
    handle: actix_web::dev::ServerHandle,
    thread: std::thread::JoinHandle<()>,
    workers: Vec<std::thread::JoinHandle<()>>,
    rounds: std::thread::JoinHandle<()>,
}

/// The value of `data.master_key` that asks for a passphrase.
const ASK: &str = "ask";

/// The name under which systemd hands over the master key (`LoadCredential=`).
const MASTER_KEY_CREDENTIAL: &str = "twoface-master-key";

/// Where the store of `config` is, and what opens it.
pub fn store_options(config: &Config) -> Result<OpenOptions, CannotStart> {
    let folder = &config.data.dir;
    let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
    let given = credentials.is_some_and(|credentials| credentials.join(MASTER_KEY_CREDENTIAL).exists());
    let named = config.data.master_key.as_path();
    let master = match named.file_name() {
        None if given => MasterKey::Credential(MASTER_KEY_CREDENTIAL.to_owned()),
        None => MasterKey::File(folder.join("master.key")),
        Some(name) if name == ASK => {
            let text =
                rpassword::prompt_password("Passphrase of the store: ").map_err(|error| ("passphrase", error))?;
            MasterKey::Passphrase(Passphrase::new(text))
        }
        Some(_) => MasterKey::File(named.to_owned()),
    };
    Ok(OpenOptions::new(folder, master))
}

/// The workflows that clients may start.
pub fn workflows(config: &Config) -> Result<Workflows, CannotStart> {
    Workflows::load(&config.workflows.file).map_err(|why| CannotStart(format!("workflows: {why}")))
}

/// How clips are decoded.
pub fn clip_settings(config: &Clips) -> clip::Settings {
    let landlock = match config.landlock {
        Landlock::Required => clip::Landlock::Required,
        Landlock::IfAvailable => clip::Landlock::IfAvailable,
    };
    clip::Settings { landlock, at_once: config.workers, seconds_max: config.decode_seconds_max, ..Default::default() }
}

/// Opens the store of `config`, alone.
pub fn open_store(config: &Config, now: Timestamp) -> Result<Store, CannotStart> {
    let folder = &config.data.dir;
    private_folder(folder).map_err(|error| CannotStart(format!("{}: {error}", folder.display())))?;
    let mut options = store_options(config)?;
    // After a failed sync nobody knows what is on the disk: the next start reads it from there.
    options.on_stop = Some(|| {
        tracing::error!("the disk failed; the process ends so that the next start sees what is there");
        std::process::exit(STORE_STOPPED);
    });
    let (store, report) = Store::open(options).map_err(|error| CannotStart(error.to_string()))?;
    tracing::info!(created = report.created, rows = report.rows, replayed = report.replayed, "store opened");
    if let Some(why) = &report.rebuilt {
        tracing::warn!("the index was built again from the journal: {why}");
        audit::note_rebuilt(&store, now, why).map_err(|stop| ("audit log", stop))?;
    }
    if report.torn {
        tracing::warn!("the torn end of a write that was never acknowledged was cut off");
    }
    if report.damaged_keys > 0 {
        tracing::error!(slots = report.damaged_keys, "people's keys are damaged; what they sealed cannot be read");
    }
    Ok(store)
}

/// Starts everything and returns once connections are accepted. `examiner` is the vision engine, or a test's script;
/// it is warmed up beside, after which `/readyz` says so.
pub fn start(config: Config, clock: Clock, examiner: Arc<dyn Examiner>) -> Result<Running, CannotStart> {
    let store = open_store(&config, clock.now())?;
    let tls = match config.server.plain_http_on_loopback {
        true => None,
        false => Some(tls::load(&config.tls, &config.data.dir, clock.now()).map_err(|error| ("tls", error))?),
    };
    let courier: Arc<dyn Courier> = Arc::new(Outbound::new(&config.webhooks).map_err(|error| ("webhooks", error))?);
    let listeners = Listeners::bind(&config)?;
    let address = listeners.api.local_addr().map_err(|error| ("listener", error))?;
    let metrics = listeners.metrics.as_ref().and_then(|listener| listener.local_addr().ok());

    let workers = config.workers();
    let workflows = workflows(&config)?;
    let service = Arc::new(Service::new(store, config.clone(), clock, workflows));
    service.note_start(examiner.bundle()).map_err(|stop| ("audit log", stop))?;
    let erased = service.finish_erasures().map_err(|stop| ("erasures", stop))?;
    if erased > 0 {
        tracing::info!(erased, "erasures that were interrupted are done");
    }
    let enrolled = service.load_galleries().map_err(|stop| ("enrolled faces", stop))?;
    tracing::info!(enrolled, "enrolled faces loaded");
    service.load_limits().map_err(|stop| ("limits", stop))?;
    let recovered = service.recover_jobs().map_err(|stop| ("jobs", stop))?;
    if recovered > 0 {
        tracing::info!(recovered, "jobs found unfinished are queued again");
    }
    warm_up(Arc::clone(&service), Arc::clone(&examiner))?;
    let workers = service.start_workers(&examiner, workers).map_err(|error| ("threads", error))?;

    let rounds = service.start_rounds(courier).map_err(|error| ("threads", error))?;

    let certificate = tls.as_ref().map(|served| Arc::clone(&served.certificate));
    let desk = desk(&service, Some(admin::Serving { address, certificate: certificate.clone().map(shown) }));
    let (handle, thread) = listen(listeners, tls, &config, Arc::clone(&service), desk)?;
    match &certificate {
        Some(shown) => {
            let fingerprint = shown.fingerprint();
            tracing::info!(%address, fingerprint, self_signed = shown.self_signed, "listening");
        }
        None => tracing::warn!(%address, "listening without TLS"),
    }
    Ok(Running { address, metrics, certificate, service, handle, thread, workers, rounds })
}

/// What administrators' requests are carried out with.
pub fn desk(service: &Arc<Service>, serving: Option<admin::Serving>) -> Arc<admin::Desk> {
    Arc::new(admin::Desk {
        service: Arc::clone(service),
        started_at: service.now(),
        serving,
        shrink: vision::image::thumbnail,
        log: telemetry::lines_after,
    })
}

/// The certificate that is shown at the moment of asking, for people.
fn shown(certificate: Arc<tls::Certificate>) -> admin::ShownCertificate {
    Box::new(move || admin::Certificate {
        fingerprint: certificate.fingerprint(),
        self_signed: certificate.self_signed,
        ends_at: certificate.not_after(),
    })
}

impl Running {
    /// Stops in order: no new connection, running jobs finish within the limit, the rest stay queued on disk.
    pub fn stop(self) {
        systemd::stopping();
        let limit = Duration::from_secs(self.service.config().server.stop_seconds_max);
        let stopping = self.handle.stop(true);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let finished = self.service.stop_workers(limit);
        let carried = self.service.stop_rounds(limit);
        if let Ok(runtime) = runtime {
            runtime.block_on(stopping);
        }
        let mut ended = self.thread.join().is_ok();
        if finished {
            ended = self.workers.into_iter().all(|worker| worker.join().is_ok()) && ended;
        }
        if carried {
            ended = self.rounds.join().is_ok() && ended;
        }
        let noted = self.service.note(&Actor::System, Act::ServerStopped, None);
        if let Err(stop) = noted.and_then(|()| self.service.write_audit().map(drop)) {
            tracing::error!("the audit log cannot be told of the stop: {stop}");
        }
        tracing::info!(orderly = finished && carried && ended, "stopped");
    }
}

/// Runs the models once, so that the first client does not wait for them. If they cannot run, the server never becomes ready.
fn warm_up(service: Arc<Service>, examiner: Arc<dyn Examiner>) -> Result<(), CannotStart> {
    let run = move || match examiner.warm_up() {
        Ok(()) => {
            service.set_ready();
            tracing::info!("ready");
        }
        Err(why) => tracing::error!("the models do not run: {why}"),
    };
    std::thread::Builder::new().name("warm-up".to_owned()).spawn(run).map_err(|error| ("threads", error))?;
    Ok(())
}

/// SIGTERM and SIGINT, from when they are listened for: one that comes before [`StopSignals::wait`] is not missed.
pub struct StopSignals {
    runtime: tokio::runtime::Runtime,
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl StopSignals {
    pub fn listen() -> Result<Self, CannotStart> {
        use tokio::signal::unix::{SignalKind, signal};
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| ("signals", error))?;
        let inside = runtime.enter();
        let terminate = signal(SignalKind::terminate()).map_err(|error| ("signals", error))?;
        let interrupt = signal(SignalKind::interrupt()).map_err(|error| ("signals", error))?;
        drop(inside);
        Ok(Self { runtime, terminate, interrupt })
    }

    /// Returns when one has come.
    pub fn wait(mut self) {
        self.runtime.block_on(async {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
            }
        });
    }
}

/// Where connections come in.
struct Listeners {
    api: TcpListener,
    metrics: Option<TcpListener>,
}

impl Listeners {
    fn bind(config: &Config) -> Result<Self, CannotStart> {
        let bind = |address: SocketAddr| {
            TcpListener::bind(address).map_err(|error| CannotStart(format!("cannot listen on {address}: {error}")))
        };
        Ok(Self { api: bind(config.server.listen)?, metrics: config.metrics.listen.map(bind).transpose()? })
    }
}

/// Serves on a thread of its own, so that a caller may be a command line, a demonstration or a test.
fn listen(
    listeners: Listeners,
    tls: Option<tls::Served>,
    config: &Config,
    service: Arc<Service>,
    desk: Arc<admin::Desk>,
) -> Result<(actix_web::dev::ServerHandle, std::thread::JoinHandle<()>), CannotStart> {
    let (sender, receiver) = std::sync::mpsc::channel();
    let memory = api::UploadMemory::new(config.jobs.upload_memory_mib);
    let socket = admin::socket::bind(&config.admin_socket(), &config.admin.group)
        .map_err(|error| ("administrator's socket", error))?;
    let limits = listen_limits(config);
    let addresses = Addresses::new(config.server.connections_per_address_max);
    let source = metrics::Source {
        service: Arc::clone(&service),
        addresses: Arc::clone(&addresses),
        certificate: tls.as_ref().map(|served| Arc::clone(&served.certificate)),
        started_at: service.now(),
    };
    let run = move || {
        let system = actix_web::rt::System::new();
        system.block_on(async move {
            let service = web::Data::from(service);
            let (tls, certificate) = match tls {
                Some(tls::Served { config, certificate }) => (Some(Arc::new(config)), Some(certificate)),
                None => (None, None),
            };
            let beside = [
                actix_web::rt::spawn(beside::sweep(service.clone())),
                actix_web::rt::spawn(beside::maintain(service.clone())),
                actix_web::rt::spawn(beside::remake_faces(service.clone())),
                actix_web::rt::spawn(admin::socket::serve(socket, desk)),
                actix_web::rt::spawn(beside::attend(service.clone())),
                actix_web::rt::spawn(beside::renew(certificate, service.clone())),
                actix_web::rt::spawn(beside::write_audit(service.clone())),
            ];
            let tables = api::tables(service.config());
            let documents = web::Data::new(api::Documents::new(tables));
            let app = move || {
                App::new()
                    .app_data(service.clone())
                    .app_data(web::Data::new(memory.clone()))
                    .app_data(documents.clone())
                    .wrap(from_fn(api::gate))
                    .configure(|app| api::routes(app, tables))
            };
            let measured = listeners.metrics.map(|listener| measure(listener, source)).transpose();
            match measured
                .and_then(|measured| Ok((measured, listen::serve(listeners.api, tls, addresses, limits, app)?)))
            {
                Ok((measured, server)) => {
                    let _ = sender.send(Ok(server.handle()));
                    let measured = measured.map(|server| (server.handle(), actix_web::rt::spawn(server)));
                    if let Err(error) = server.await {
                        tracing::error!("the listener ended: {error}");
                    }
                    if let Some((handle, _)) = measured {
                        handle.stop(false).await;
                    }
                }
                Err(error) => {
                    let _ = sender.send(Err(error));
                }
            }
            beside.iter().for_each(tokio::task::JoinHandle::abort);
        });
    };
    let thread =
        std::thread::Builder::new().name("listener".to_owned()).spawn(run).map_err(|error| ("threads", error))?;
    match receiver.recv() {
        Ok(Ok(handle)) => Ok((handle, thread)),
        Ok(Err(error)) => Err(("listener", error).into()),
        Err(error) => Err(("listener", error).into()),
    }
}

fn listen_limits(config: &Config) -> listen::Limits {
    listen::Limits {
        threads: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        connections_max: usize::try_from(config.server.connections_max).unwrap_or(usize::MAX),
        request_max: Duration::from_secs(config.limits.body_seconds_max + REQUEST_SECONDS_BEYOND_BODY),
        stop_max: Duration::from_secs(config.server.stop_seconds_max),
    }
}

/// A server of /metrics on a listener of its own.
fn measure(listener: TcpListener, source: metrics::Source) -> std::io::Result<actix_web::dev::Server> {
    let limits = listen::Limits {
        threads: 1,
        connections_max: SCRAPERS_MAX,
        request_max: Duration::from_secs(30),
        stop_max: Duration::ZERO,
    };
    let addresses = Addresses::new(u32::try_from(SCRAPERS_MAX).unwrap_or(u32::MAX));
    let app = move || App::new().app_data(web::Data::new(source.clone())).route("/metrics", web::get().to(figures));
    listen::serve(listener, None, addresses, limits, app)
}

async fn figures(source: web::Data<metrics::Source>) -> HttpResponse {
    match web::block(move || source.render()).await {
        Ok(Ok(text)) => HttpResponse::Ok().content_type(metrics::CONTENT_TYPE).body(text),
        _ => HttpResponse::InternalServerError().finish(),
    }
}

/// The data folder, for its owner alone. One that is missing is made by the store, so that it outlives a power cut.
fn private_folder(folder: &Path) -> std::io::Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    let mut permissions = fs::metadata(folder)?.permissions();
    if permissions.mode() & 0o077 != 0 {
        permissions.set_mode(0o700);
        fs::set_permissions(folder, permissions)?;
    }
    Ok(())
}
