//! What is measured: the service in its settings, and what it is compared with.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use actix_web::http::header::AUTHORIZATION;
use actix_web::{HttpRequest, HttpResponse, HttpServer, web};
use clap::ValueEnum;
use data_encoding::BASE64;
use foundry_api::auth::jwt::Jwt;
use foundry_api::clock::{Clock as _, SystemClock};

use crate::database::{Database, session};
use crate::token::bearer;
use crate::{Failure, Options, process};

/// A program under load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Variant {
    /// The service as it is.
    Coalesced,
    /// The service with `FOUNDRY_COALESCE=0`.
    Single,
    /// The same, with connections that are kept instead of borrowed from a pool.
    Unpooled,
    /// The service over a store that forgets new keys ([`crate::unstored`]).
    Unstored,
    /// A bare actix handler that answers constant bytes.
    Bare,
    /// The same, once it has checked the bearer token.
    BareChecked,
}

/// How requests are signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Login {
    /// A JWT in `Authorization`.
    Bearer,
    /// A session's cookie.
    Session,
}

/// 32 bytes for HS256, for this load only.
const JWT_KEY: [u8; 32] = [7; 32];

/// A variant that is running. It is killed when this is dropped.
pub(crate) struct Running {
    pub(crate) variant: Variant,
    pub(crate) address: SocketAddr,
    child: Child,
}

impl Variant {
    pub(crate) fn start(self, options: &Options, database: &Database) -> Result<Running, Failure> {
        let mut command = match self {
            Self::Coalesced | Self::Single => service(options, database)?,
            Self::Unpooled | Self::Unstored => {
                let mut command = configured(std::env::current_exe()?, options, database);
                command.arg(if self == Self::Unstored { "unstored" } else { "unpooled" });
                command
            }
            Self::Bare | Self::BareChecked => {
                let mut command = Command::new(std::env::current_exe()?);
                command.args(["--workers", &options.workers.to_string(), "bare"]);
                if self == Self::BareChecked {
                    command.arg("--checked");
                }
                command
            }
        };
        let coalesce = if self == Self::Single { "0" } else { "1" };
        let mut child = command.env("FOUNDRY_COALESCE", coalesce).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or("no standard output")?;
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().rsplit('/').next().unwrap_or_default().parse();
        let address = address.map_err(|_| format!("{self:?} said '{}'", line.trim()))?;
        Ok(Running { variant: self, address, child })
    }
}

fn binary(options: &Options) -> Result<PathBuf, Failure> {
    let path = match &options.binary {
        Some(path) => path.clone(),
        None => std::env::current_exe()?.with_file_name("foundry-api"),
    };
    if !path.is_file() {
        return Err(
            format!("{} is not there; build it, or name it with --binary", path.display()).into()
        );
    }
    Ok(path)
}

/// The service on that database, without a command.
fn service(options: &Options, database: &Database) -> Result<Command, Failure> {
    Ok(configured(binary(options)?, options, database))
}

/// A program that reads the service's variables.
fn configured(program: PathBuf, options: &Options, database: &Database) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("DATABASE_URL", &database.url)
        .env("FOUNDRY_LISTEN", "127.0.0.1:0")
        .env("FOUNDRY_SEALING_KEYS", format!("load:{}", BASE64.encode(&[9; 32])))
        .env("FOUNDRY_JWT_KEY", BASE64.encode(&JWT_KEY))
        .env("FOUNDRY_KEY_RATE", "0")
        .env("FOUNDRY_WORKERS", options.workers.to_string())
        .env("RUST_LOG", "warn");
    command
}

/// Brings the database up to date, with the service's own command.
pub(crate) fn migrate(options: &Options, database: &Database) -> Result<(), Failure> {
    let status = service(options, database)?.arg("migrate").stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err("the database could not be migrated".into()) }
}

/// A request of each user: as many users as there are connections, or more.
pub(crate) fn requests(options: &Options, connections: usize) -> Rc<[Vec<u8>]> {
    (0..connections.max(options.users)).map(|user| request(options, user)).collect()
}

impl Running {
    /// The processor time used so far.
    pub(crate) fn cpu(&self) -> Result<Duration, Failure> {
        process::cpu(self.child.id(), false)
    }

    /// Resident memory in KiB.
    pub(crate) fn memory(&self) -> Result<u64, Failure> {
        process::memory(self.child.id())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

fn request(options: &Options, user: usize) -> Vec<u8> {
    let login = match options.login {
        Login::Bearer => format!("Authorization: Bearer {}", token(user)),
        Login::Session => format!("Cookie: ss-id={}", session(user)),
    };
    let body = if options.accept.contains("jsv") {
        format!("{{OrganisationId:org{}}}", user % 10)
    } else {
        format!("{{\"OrganisationId\":\"org{}\"}}", user % 10)
    };
    format!(
        "PUT /users/2fa/generate-key HTTP/1.1\r\nHost: load\r\nAccept: {accept}\r\n\
         Content-Type: {accept}\r\n{login}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len(),
        accept = options.accept,
    )
    .into_bytes()
}

/// A bearer token of a user.
fn token(user: usize) -> String {
    #[expect(clippy::disallowed_methods, reason = "tokens are checked against the real time")]
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    bearer(user, &JWT_KEY, now)
}

/// A reply of the service, for the handler that does nothing to give.
const REPLY: &str = "{\"twoFactorUri\":\"otpauth://totp/Foundry%20%28Organisation%200%29:\
    user0%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Foundry%20%28Organisation\
    %200%29\"}";

/// Serves constant bytes, with the head that the service's replies have; with `checked` to those who show
/// a bearer token that is good.
pub(crate) fn bare(workers: usize, checked: bool) -> Result<(), Failure> {
    actix_web::rt::System::new().block_on(async {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        println!("http://{}", listener.local_addr()?);
        HttpServer::new(move || {
            let jwt = Rc::new(Jwt::new(Some(&JWT_KEY)));
            actix_web::App::new().default_service(web::to(
                move |request: HttpRequest, body: web::Bytes| {
                    let jwt = jwt.clone();
                    async move {
                        drop(body);
                        if checked && !is_good(&jwt, &request) {
                            return HttpResponse::Unauthorized().finish();
                        }
                        HttpResponse::Ok()
                            .insert_header(("Content-Type", "application/json; charset=utf-8"))
                            .insert_header(("Cache-Control", "no-store"))
                            .insert_header(("Vary", "Accept"))
                            .insert_header(("X-Request-Id", "0123456789abcdef0123456789abcdef"))
                            .body(REPLY)
                    }
                },
            ))
        })
        .workers(workers)
        .listen(listener)?
        .run()
        .await?;
        Ok(())
    })
}

/// Whether a request shows a bearer token that is good, as the service would see it.
fn is_good(jwt: &Jwt, request: &HttpRequest) -> bool {
    let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = header.and_then(|value| value.strip_prefix("Bearer "));
    token.is_some_and(|token| jwt.verify(token, SystemClock.now()).is_ok())
}
