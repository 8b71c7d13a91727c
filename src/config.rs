//! What the environment configures. README has the table of variables.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use actix_web::http::Uri;
use data_encoding::BASE64;
use ipnet::IpNet;
use zeroize::Zeroizing;

use crate::dto::Case;
use crate::store::{self, Named};
use crate::telemetry::{Amount, Form};
use crate::two_factor;

/// How long a pending key can be confirmed, unless configured.
const PENDING_TTL: Duration = Duration::from_mins(10);

/// How many keys a user may ask for in a minute, unless configured.
const KEY_RATE: u32 = 60;

/// The configuration. Holds secrets, so it does not print.
pub struct Config {
    /// `FOUNDRY_LISTEN`: the address of the service; port 0 picks a free one.
    pub listen: SocketAddr,
    /// `FOUNDRY_ADMIN_LISTEN`: the address of `/metrics`, if it is to be served.
    pub admin_listen: Option<SocketAddr>,
    /// `DATABASE_URL`, if it is set.
    pub database_url: Option<Zeroizing<String>>,
    /// `FOUNDRY_DATA`: the folder of the embedded store and of its keys.
    pub data: PathBuf,
    /// `FOUNDRY_SEALING_KEYS`, if it is set.
    pub sealing_keys: Option<Zeroizing<String>>,
    /// `FOUNDRY_JWT_KEY`: the key that signs bearer tokens, HS256, decoded.
    pub jwt_key: Option<Zeroizing<Vec<u8>>>,
    /// `FOUNDRY_JWT_PUBLIC_KEY`: a PEM file with the key that tokens signed elsewhere fit.
    pub jwt_public_key: Option<PathBuf>,
    /// `FOUNDRY_CORS_ORIGINS`: the origins whose pages may read replies and send cookies, as
    /// browsers write them.
    pub cors_origins: Vec<String>,
    /// `FOUNDRY_TRUSTED_PROXIES`: whose `X-Forwarded-*` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// `FOUNDRY_PRODUCT`: the product's name in the issuer.
    pub product: String,
    /// `FOUNDRY_PUBLIC_URL`: how clients see this service, without a trailing slash.
    pub public_url: Option<String>,
    /// `FOUNDRY_NAME_CASE`: the case of member names in JSON and JSV.
    pub name_case: Case,
    /// `FOUNDRY_KEY_RATE`: how many keys a user may ask for in a minute; 0 is no limit.
    pub key_rate: u32,
    /// `FOUNDRY_PENDING_TTL`: how long a pending key can be confirmed.
    pub pending_ttl: Duration,
    /// `FOUNDRY_BODY_LIMIT`: the most bytes of a request's body, decoded.
    pub body_limit: usize,
    /// `FOUNDRY_COALESCE`: whether keys that wait at the same time are committed together.
    pub coalesce: bool,
    /// `FOUNDRY_WORKERS`: threads that serve requests.
    pub workers: usize,
    /// `RUST_LOG`: how much is logged.
    pub log_amount: Amount,
    /// `FOUNDRY_LOG`: how logs are written.
    pub log_form: Form,
}

/// A variable whose value makes no sense. Its text names the variable and never the value, which
/// may be a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: expected {expected}")]
pub struct ConfigError {
    variable: &'static str,
    expected: &'static str,
}

impl Config {
    /// The configuration of this process.
    ///
    /// # Errors
    /// [`ConfigError`] names the first variable that makes no sense.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// The configuration that `lookup` holds. An empty value counts as none.
    ///
    /// # Errors
    /// [`ConfigError`] names the first variable that makes no sense.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let value = |name: &str| lookup(name).filter(|value| !value.is_empty());
        let product = value("FOUNDRY_PRODUCT").unwrap_or_else(|| "Foundry".to_owned());
        if two_factor::label(&product).is_err() {
            let expected = "1 to 64 characters, without a colon or control characters";
            return Err(ConfigError { variable: "FOUNDRY_PRODUCT", expected });
        }
        Ok(Self {
            listen: parsed("FOUNDRY_LISTEN", value("FOUNDRY_LISTEN"), "address:port")?
                .unwrap_or(([127, 0, 0, 1], 8080).into()),
            admin_listen: parsed(
                "FOUNDRY_ADMIN_LISTEN",
                value("FOUNDRY_ADMIN_LISTEN"),
                "address:port",
            )?,
            database_url: value("DATABASE_URL").map(database_url).transpose()?,
            data: value("FOUNDRY_DATA").map_or_else(|| "data".into(), PathBuf::from),
            sealing_keys: value("FOUNDRY_SEALING_KEYS").map(Zeroizing::new),
            jwt_key: value("FOUNDRY_JWT_KEY").map(|text| jwt_key(&text)).transpose()?,
            jwt_public_key: value("FOUNDRY_JWT_PUBLIC_KEY").map(PathBuf::from),
            cors_origins: list(value("FOUNDRY_CORS_ORIGINS").as_deref(), origin).ok_or(
                ConfigError {
                    variable: "FOUNDRY_CORS_ORIGINS",
                    expected: "origins such as https://app.example, separated by commas",
                },
            )?,
            trusted_proxies: list(value("FOUNDRY_TRUSTED_PROXIES").as_deref(), network).ok_or(
                ConfigError {
                    variable: "FOUNDRY_TRUSTED_PROXIES",
                    expected: "addresses or networks such as 10.0.0.0/8, separated by commas",
                },
            )?,
            product,
            public_url: match value("FOUNDRY_PUBLIC_URL") {
                None => None,
                Some(text) => Some(base_url(&text).ok_or(ConfigError {
                    variable: "FOUNDRY_PUBLIC_URL",
                    expected: "an absolute http or https URL without user, query and fragment",
                })?),
            },
            name_case: name_case(value("FOUNDRY_NAME_CASE").as_deref())?,
            key_rate: match value("FOUNDRY_KEY_RATE") {
                None => KEY_RATE,
                Some(text) => rate(&text).ok_or(ConfigError {
                    variable: "FOUNDRY_KEY_RATE",
                    expected: "a number of keys a minute, such as 60 or 60/min, or 0 for no limit",
                })?,
            },
            pending_ttl: match value("FOUNDRY_PENDING_TTL") {
                None => PENDING_TTL,
                Some(text) => duration(&text).ok_or(ConfigError {
                    variable: "FOUNDRY_PENDING_TTL",
                    expected: "a time such as 600s, 10m or 1h",
                })?,
            },
            body_limit: match value("FOUNDRY_BODY_LIMIT") {
                None => 64 * 1024,
                Some(text) => size(&text).ok_or(ConfigError {
                    variable: "FOUNDRY_BODY_LIMIT",
                    expected: "a size such as 65536, 64 KiB or 1 MiB",
                })?,
            },
            coalesce: match value("FOUNDRY_COALESCE").as_deref() {
                None | Some("1") => true,
                Some("0") => false,
                Some(_) => {
                    return Err(ConfigError { variable: "FOUNDRY_COALESCE", expected: "0 or 1" });
                }
            },
            workers: workers(value("FOUNDRY_WORKERS"))?,
            log_amount: log_amount(value("RUST_LOG").as_deref())?,
            log_form: log_form(value("FOUNDRY_LOG").as_deref())?,
        })
    }
}

fn parsed<T: std::str::FromStr>(
    variable: &'static str,
    value: Option<String>,
    expected: &'static str,
) -> Result<Option<T>, ConfigError> {
    value
        .map(|text| text.trim().parse().map_err(|_| ConfigError { variable, expected }))
        .transpose()
}

/// A base URL: absolute, and without a trailing slash. It becomes part of pages and of generated code, so
/// it has only those letters of a URL that mean nothing there.
pub(crate) fn base_url(text: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]%".contains(c);
    let url: Uri = Some(text).filter(|text| text.chars().all(fits))?.parse().ok()?;
    let (scheme, authority) = (url.scheme_str()?, url.authority()?);
    let host = authority.host();
    let is_whole = authority.as_str() == host || authority.port_u16().is_some();
    (["http", "https"].contains(&scheme) && !host.is_empty() && is_whole)
        .then(|| format!("{scheme}://{authority}{}", url.path().trim_end_matches('/')))
}

fn database_url(url: String) -> Result<Zeroizing<String>, ConfigError> {
    let url = Zeroizing::new(url);
    let expected = match store::named(&url) {
        Some(Named::Sqlite(path)) if path.contains('?') => "sqlite:PATH, without parameters",
        Some(_) => return Ok(url),
        None => "postgres://… or sqlite:PATH, in lower case",
    };
    Err(ConfigError { variable: "DATABASE_URL", expected })
}

/// The most threads that what serves sockets takes.
const WORKERS_MAX: usize = 512;

fn workers(text: Option<String>) -> Result<usize, ConfigError> {
    let (variable, expected) = ("FOUNDRY_WORKERS", "a number from 1 to 512");
    let cores = || std::thread::available_parallelism().map_or(1, usize::from).min(WORKERS_MAX);
    let count = parsed(variable, text, expected)?.unwrap_or_else(cores);
    if (1..=WORKERS_MAX).contains(&count) {
        Ok(count)
    } else {
        Err(ConfigError { variable, expected })
    }
}

/// The shortest HS256 key, in bytes: as long as the hash (RFC 7518 section 3.2).
const JWT_KEY_MIN: usize = 32;

/// A key for bearer tokens.
///
/// # Errors
/// [`ConfigError`] when it is no base64, or too short.
pub fn jwt_key(text: &str) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let expected = "base64 of at least 32 bytes";
    let refused = || ConfigError { variable: "FOUNDRY_JWT_KEY", expected };
    let key = BASE64.decode(text.trim().as_bytes()).map(Zeroizing::new).map_err(|_| refused())?;
    if key.len() < JWT_KEY_MIN { Err(refused()) } else { Ok(key) }
}

/// What is separated by commas or blanks; nothing when one of it makes no sense.
fn list<T>(text: Option<&str>, item: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    let items = text.unwrap_or_default().split([',', ' ', '\n']);
    items.filter(|text| !text.is_empty()).map(item).collect()
}

/// An origin as browsers write it (RFC 6454 section 6.2): lower case, no path, no default port.
fn origin(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let (scheme, host) = text.trim_end_matches('/').split_once("://")?;
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return None,
    };
    let host = host.strip_suffix(port).unwrap_or(host);
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
    (!host.is_empty() && host.bytes().all(plain)).then(|| format!("{scheme}://{host}"))
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

fn name_case(value: Option<&str>) -> Result<Case, ConfigError> {
    match value {
        None => Ok(Case::Camel),
        Some(text) if text.eq_ignore_ascii_case("camel") => Ok(Case::Camel),
        Some(text) if text.eq_ignore_ascii_case("pascal") => Ok(Case::Pascal),
        Some(_) => Err(ConfigError { variable: "FOUNDRY_NAME_CASE", expected: "camel or pascal" }),
    }
}

fn log_amount(value: Option<&str>) -> Result<Amount, ConfigError> {
    let error = || ConfigError {
        variable: "RUST_LOG",
        expected: "off, error, warn, info, debug or trace, or such as foundry_api::http=debug",
    };
    value.map_or_else(|| Ok(Amount::default()), |text| Amount::parse(text).ok_or_else(error))
}

fn log_form(value: Option<&str>) -> Result<Form, ConfigError> {
    match value {
        None => Ok(Form::Text),
        Some(text) if text.eq_ignore_ascii_case("text") => Ok(Form::Text),
        Some(text) if text.eq_ignore_ascii_case("json") => Ok(Form::Json),
        Some(_) => Err(ConfigError { variable: "FOUNDRY_LOG", expected: "text or json" }),
    }
}

/// A number and a unit, which may be left out.
fn split_unit(text: &str) -> Option<(u64, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    Some((text[..end].parse().ok()?, text[end..].trim()))
}

fn rate(text: &str) -> Option<u32> {
    let (number, unit) = split_unit(text)?;
    matches!(unit, "" | "/min" | "/m").then(|| u32::try_from(number).ok()).flatten()
}

pub(crate) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = split_unit(text)?;
    let seconds = match unit {
        "" | "s" => number,
        "m" => number.checked_mul(60)?,
        "h" => number.checked_mul(3600)?,
        _ => return None,
    };
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

fn size(text: &str) -> Option<usize> {
    let (number, unit) = split_unit(text)?;
    let bytes = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => number,
        "k" | "kib" | "kb" => number.checked_mul(1024)?,
        "m" | "mib" | "mb" => number.checked_mul(1024 * 1024)?,
        _ => return None,
    };
    usize::try_from(bytes).ok().filter(|bytes| *bytes > 0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_lookup(|name| {
            pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    /// What a variable came to; empty where it is as good as not there.
    fn came_to(config: &Config, variable: &str) -> String {
        let text = |value: &dyn std::fmt::Debug| format!("{value:?}");
        let some = |is_some: bool| if is_some { "something".to_owned() } else { String::new() };
        match variable {
            "FOUNDRY_LISTEN" => config.listen.to_string(),
            "FOUNDRY_ADMIN_LISTEN" => some(config.admin_listen.is_some()),
            "DATABASE_URL" => some(config.database_url.is_some()),
            "FOUNDRY_DATA" => text(&config.data.strip_prefix(".").unwrap_or(&config.data)),
            "FOUNDRY_SEALING_KEYS" => some(config.sealing_keys.is_some()),
            "FOUNDRY_JWT_KEY" => some(config.jwt_key.is_some()),
            "FOUNDRY_JWT_PUBLIC_KEY" => some(config.jwt_public_key.is_some()),
            "FOUNDRY_CORS_ORIGINS" => config.cors_origins.concat(),
            "FOUNDRY_TRUSTED_PROXIES" => some(!config.trusted_proxies.is_empty()),
            "FOUNDRY_PRODUCT" => config.product.clone(),
            "FOUNDRY_PUBLIC_URL" => some(config.public_url.is_some()),
            "FOUNDRY_NAME_CASE" => text(&config.name_case),
            "FOUNDRY_KEY_RATE" => config.key_rate.to_string(),
            "FOUNDRY_PENDING_TTL" => text(&config.pending_ttl),
            "FOUNDRY_BODY_LIMIT" => config.body_limit.to_string(),
            "FOUNDRY_WORKERS" => config.workers.to_string(),
            "FOUNDRY_COALESCE" => config.coalesce.to_string(),
            "RUST_LOG" => text(&config.log_amount),
            "FOUNDRY_LOG" => text(&config.log_form),
            _ => panic!("{variable} has a row in README and no line here"),
        }
    }

    #[test]
    fn nothing_set_is_the_documented_defaults() {
        let asked = std::cell::RefCell::new(BTreeSet::new());
        let config = Config::from_lookup(|name| {
            asked.borrow_mut().insert(name.to_owned());
            None
        })
        .unwrap();
        let readme = include_str!("../README.md");
        let rows =
            readme.split("\n## Configuration\n").nth(1).unwrap().split("\n## ").next().unwrap();
        let mut documented = BTreeSet::new();
        for row in rows.lines().filter_map(|line| line.strip_prefix("| `")) {
            let mut cells = row.split('|').map(str::trim);
            let (names, defaults) = (cells.next().unwrap(), cells.next().unwrap());
            for (name, default) in names.split(", ").zip(defaults.split(", ")) {
                let (name, default) = (name.trim_matches('`'), default.trim_matches('`'));
                if name.starts_with("OTEL_") {
                    // OpenTelemetry's libraries read these.
                    continue;
                }
                let expected = match default {
                    "" | "off" | "none" | "from the request" => String::new(),
                    "cores" => std::thread::available_parallelism().unwrap().to_string(),
                    // Where the command opens the store, it puts it into that folder.
                    _ if name == "DATABASE_URL" => String::new(),
                    text => came_to(&with(&[(name, text)]).unwrap(), name),
                };
                assert_eq!(came_to(&config, name), expected, "{name} is documented as {default}");
                documented.insert(name.to_owned());
            }
        }
        assert_eq!(documented, asked.into_inner());
    }

    #[test]
    fn times_and_sizes_have_units() {
        let config =
            with(&[("FOUNDRY_PENDING_TTL", "5m"), ("FOUNDRY_BODY_LIMIT", "1 MiB")]).unwrap();
        assert_eq!(config.pending_ttl, Duration::from_mins(5));
        assert_eq!(config.body_limit, 1 << 20);
    }

    #[test]
    fn a_rate_is_a_number_with_or_without_its_unit() {
        for (text, rate) in [("0", 0), ("5", 5), ("120/min", 120)] {
            assert_eq!(with(&[("FOUNDRY_KEY_RATE", text)]).unwrap().key_rate, rate);
        }
    }

    #[test]
    fn a_base_url_ends_without_a_slash() {
        for (text, url) in [
            ("https://foundry.example", "https://foundry.example"),
            ("HTTPS://foundry.example:8443/a/base//", "https://foundry.example:8443/a/base"),
            ("http://[::1]:8080/", "http://[::1]:8080"),
        ] {
            let config = with(&[("FOUNDRY_PUBLIC_URL", text)]).unwrap();
            assert_eq!(config.public_url.as_deref(), Some(url));
        }
    }

    #[test]
    fn the_form_of_logs_is_known_in_whatever_case() {
        for (text, form) in [("json", Form::Json), ("JSON", Form::Json), ("text", Form::Text)] {
            assert_eq!(with(&[("FOUNDRY_LOG", text)]).unwrap().log_form, form);
        }
    }

    #[test]
    fn as_many_threads_serve_as_sockets_take() {
        for (text, workers) in [("1", 1), ("512", 512)] {
            assert_eq!(with(&[("FOUNDRY_WORKERS", text)]).unwrap().workers, workers);
        }
    }

    #[test]
    fn lists_are_separated_by_commas() {
        let config = with(&[
            ("FOUNDRY_CORS_ORIGINS", "https://App.example:443/, http://localhost:5173"),
            ("FOUNDRY_TRUSTED_PROXIES", "10.0.0.0/8,::1"),
        ])
        .unwrap();
        assert_eq!(config.cors_origins, ["https://app.example", "http://localhost:5173"]);
        assert_eq!(config.trusted_proxies.len(), 2);
        assert!(config.trusted_proxies[1].contains(&"::1".parse::<IpAddr>().unwrap()));
    }

    #[test]
    fn what_makes_no_sense_is_named_by_its_variable_alone() {
        for (variable, value) in [
            ("FOUNDRY_LISTEN", "here"),
            ("DATABASE_URL", "mysql://name:word@host/foundry"),
            ("DATABASE_URL", "nonsense"),
            ("DATABASE_URL", "SQLITE:x.db"),
            ("DATABASE_URL", "sqlite://"),
            ("DATABASE_URL", "sqlite:///x.db?mode=rwc"),
            ("FOUNDRY_NAME_CASE", "snake"),
            ("FOUNDRY_KEY_RATE", "1/s"),
            ("FOUNDRY_PENDING_TTL", "-1"),
            ("FOUNDRY_BODY_LIMIT", "big"),
            ("FOUNDRY_WORKERS", "many"),
            ("FOUNDRY_WORKERS", "0"),
            ("FOUNDRY_WORKERS", "513"),
            ("FOUNDRY_COALESCE", "yes"),
            ("FOUNDRY_LOG", "yaml"),
            ("RUST_LOG", "inof"),
            ("RUST_LOG", "warning"),
            ("RUST_LOG", "foundry_api=loud"),
            ("FOUNDRY_PRODUCT", "a:b"),
            ("FOUNDRY_JWT_KEY", "c2hvcnQ="),
            ("FOUNDRY_JWT_KEY", "not base64"),
            ("FOUNDRY_CORS_ORIGINS", "*"),
            ("FOUNDRY_CORS_ORIGINS", "https://a.example,https://b.example/path"),
            ("FOUNDRY_TRUSTED_PROXIES", "10.0.0.0/33"),
            ("FOUNDRY_PUBLIC_URL", "nonsense */ evil"),
            ("FOUNDRY_PUBLIC_URL", "foundry.example"),
            ("FOUNDRY_PUBLIC_URL", "/base"),
            ("FOUNDRY_PUBLIC_URL", "https://"),
            ("FOUNDRY_PUBLIC_URL", "https:///base"),
            ("FOUNDRY_PUBLIC_URL", "https://:443/base"),
            ("FOUNDRY_PUBLIC_URL", "https://foundry.example:port"),
            ("FOUNDRY_PUBLIC_URL", "ftp://foundry.example"),
            ("FOUNDRY_PUBLIC_URL", "https://user@foundry.example"),
            ("FOUNDRY_PUBLIC_URL", "https://foundry.example/?query"),
            ("FOUNDRY_PUBLIC_URL", "https://foundry.example/#fragment"),
            ("FOUNDRY_PUBLIC_URL", "https://foundry.example/two words"),
            ("FOUNDRY_PUBLIC_URL", "https://foundry.example/\n"),
        ] {
            let error = with(&[(variable, value)]).err().unwrap().to_string();
            assert!(error.starts_with(variable) && !error.contains(value), "{error}");
        }
    }
}
