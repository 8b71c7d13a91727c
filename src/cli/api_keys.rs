//! `foundry-api api-keys`.

use clap::Subcommand;

use super::{Failure, open_ready, output, told};
use crate::auth::session::hash;
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::config::Config;
use crate::random::{self, SystemSource};
use crate::store::{ApiKey, Store};

#[derive(Subcommand)]
pub(super) enum ApiKeys {
    /// Make a key for a user and print it, once.
    Add {
        /// The user's name.
        name: String,
        /// What the key is for.
        #[arg(long, default_value = "")]
        description: String,
        /// When it ends, such as 2030-01-31T00:00:00Z.
        #[arg(long, value_parser = moment)]
        expires: Option<Timestamp>,
    },
    /// List all keys: id, user, made, until, state, description.
    List,
    /// Revoke a key, from now on.
    Revoke {
        /// The key's id, as `list` shows it.
        id: String,
    },
}

/// The longest description, in characters.
const DESCRIPTION_MAX: usize = 200;

fn moment(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse_rfc3339(text).ok_or_else(|| "expected RFC 3339".to_owned())
}

pub(super) async fn api_keys(config: &Config, command: ApiKeys) -> Result<(), Failure> {
    match command {
        ApiKeys::Add { name, description, expires } => {
            add(config, &name, description, expires).await
        }
        ApiKeys::List => list(config).await,
        ApiKeys::Revoke { id } => {
            let store = open_ready(config).await?;
            let found = store.revoke_api_key(&id, SystemClock.now()).await.map_err(told)?;
            store.close().await;
            if !found {
                return Err(format!("there is no API key '{id}'"));
            }
            output::say(format_args!("Revoked {id}."))
        }
    }
}

async fn add(
    config: &Config,
    name: &str,
    description: String,
    expires_at: Option<Timestamp>,
) -> Result<(), Failure> {
    if description.chars().count() > DESCRIPTION_MAX || description.chars().any(char::is_control) {
        return Err(format!(
            "a description has at most {DESCRIPTION_MAX} characters, none of them control characters"
        ));
    }
    let now = SystemClock.now();
    if expires_at.is_some_and(|end| end <= now) {
        return Err("--expires has passed already".into());
    }
    let random = SystemSource::default();
    let key = random::token(&random).map_err(|error| error.to_string())?;
    let id = random::id(&random).map_err(|error| error.to_string())?;
    let store = open_ready(config).await?;
    let user = super::people::find(&*store, name).await?;
    let kept = ApiKey {
        id,
        user: user.id.clone(),
        description,
        created_at: now,
        expires_at,
        revoked_at: None,
    };
    store.add_api_key(&hash(&key), &kept).await.map_err(told)?;
    let shown = output::show(format_args!("{}", *key));
    let done = match shown {
        Ok(()) => Ok(()),
        Err(error) => Err(unseen(&*store, &kept.id, &error).await),
    };
    store.close().await;
    done?;
    let id = &kept.id;
    output::note(format_args!("The id of the key is {id}. The key itself is not shown again."));
    Ok(())
}

/// Takes back a key that nobody has seen: it would be good for nothing, and look like one that is used.
async fn unseen(store: &dyn Store, id: &str, why: &std::io::Error) -> Failure {
    match store.revoke_api_key(id, SystemClock.now()).await {
        Ok(_) => format!("the key could not be shown, so it was revoked: {why}"),
        Err(error) => format!(
            "the key could not be shown: {why}. It could not be revoked either: {}. Do so with \
             'foundry-api api-keys revoke {id}'",
            told(error)
        ),
    }
}

async fn list(config: &Config) -> Result<(), Failure> {
    let store = open_ready(config).await?;
    let users = store.users().await.map_err(told)?;
    let now = SystemClock.now();
    let keys = store.api_keys().await.map_err(told)?;
    store.close().await;
    output::list(keys.iter().map(|key| {
        let user = users.iter().find(|user| user.id == key.user).map_or("-", |user| &user.name);
        let state = match (key.revoked_at, key.expires_at) {
            (Some(_), _) => "revoked",
            (None, Some(end)) if end <= now => "expired",
            _ => "valid",
        };
        let until = key.expires_at.map_or_else(|| "-".to_owned(), Timestamp::to_rfc3339);
        let made = key.created_at.to_rfc3339();
        format!("{}\t{user}\t{made}\t{until}\t{state}\t{}", key.id, key.description)
    }))
}
