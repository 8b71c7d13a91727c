//! `foundry-api organisations` and `foundry-api users`.

use std::sync::Arc;

use clap::Subcommand;

use super::{Failure, open_ready, output, password, told};
use crate::auth::password::hash;
use crate::clock::{Clock as _, SystemClock};
use crate::config::Config;
use crate::random::{self, SystemSource};
use crate::store::{NewUser, Organisation, Store, StoreError, User};
use crate::two_factor;

#[derive(Subcommand)]
pub(super) enum Organisations {
    /// Add an organisation.
    Add {
        /// The id that clients send.
        id: String,
        /// The name that people read.
        #[arg(long)]
        name: String,
        /// The issuer in authenticator apps, if it is not to be "product (name)".
        #[arg(long)]
        issuer: Option<String>,
    },
    /// List all organisations: id, name, issuer if it is one of its own.
    List,
}

#[derive(Subcommand)]
pub(super) enum Users {
    /// Add a user; the password is read from standard input.
    Add {
        /// The name to sign in with.
        name: String,
        /// The e-mail address, which is also the account in authenticator apps.
        #[arg(long)]
        email: String,
        /// Read the password from standard input.
        #[arg(long, required = true)]
        password_stdin: bool,
        /// An organisation that the user is a member of; the first one is the default.
        #[arg(long = "organisation")]
        organisations: Vec<String>,
    },
    /// List all users: name, e-mail address, default organisation, state, id.
    List,
    /// Let a user sign in no more.
    Disable {
        /// The user's name.
        name: String,
    },
    /// Let a user who was disabled sign in again, with the same password and API keys.
    Enable {
        /// The user's name.
        name: String,
    },
    /// Set a user's password, read from standard input. Ends the user's sessions.
    Passwd {
        /// The user's name.
        name: String,
        /// Read the password from standard input.
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Make a user a member of an organisation, or change what kind of member.
    Join {
        /// The user's name.
        name: String,
        /// The organisation's id.
        organisation: String,
        /// Make it the user's default organisation.
        #[arg(long)]
        default: bool,
        /// Let the user reset other members' keys.
        #[arg(long)]
        administrator: bool,
        /// Let the user do so no more.
        #[arg(long, conflicts_with = "administrator")]
        no_administrator: bool,
    },
    /// Make a user a member of an organisation no more. The user's keys there stay, and are of use
    /// again if the user joins again.
    Leave {
        /// The user's name.
        name: String,
        /// The organisation's id.
        organisation: String,
    },
}

pub(super) async fn organisations(config: &Config, command: Organisations) -> Result<(), Failure> {
    match command {
        Organisations::Add { id, name, issuer } => {
            add_organisation(config, Organisation { id, name, issuer }).await
        }
        Organisations::List => list_organisations(config).await,
    }
}

async fn add_organisation(config: &Config, organisation: Organisation) -> Result<(), Failure> {
    let organisation = checked(config, organisation)?;
    let store = open_ready(config).await?;
    store
        .add_organisation(&organisation, SystemClock.now())
        .await
        .map_err(|error| named(error, "an organisation", &organisation.id))?;
    store.close().await;
    output::say(format_args!("Added organisation {}.", organisation.id))
}

async fn list_organisations(config: &Config) -> Result<(), Failure> {
    let store = open_ready(config).await?;
    let organisations = store.organisations().await.map_err(told)?;
    store.close().await;
    output::list(organisations.iter().map(|organisation| {
        let issuer = organisation.issuer.as_deref().unwrap_or("-");
        format!("{}\t{}\t{issuer}", organisation.id, organisation.name)
    }))
}

/// Refuses here what would later make a key that apps misread (SECURITY.md, R7).
fn checked(config: &Config, organisation: Organisation) -> Result<Organisation, Failure> {
    let Organisation { id, name, issuer } = &organisation;
    let length = id.chars().count();
    if !(1..=crate::operation::ORGANISATION_MAX).contains(&length)
        || id.chars().any(char::is_control)
    {
        return Err(format!(
            "an organisation's id has 1 to {} characters, none of them control characters",
            crate::operation::ORGANISATION_MAX
        ));
    }
    two_factor::label(name).map_err(|error| format!("the name will not do: {error}"))?;
    let shown = issuer.clone().unwrap_or_else(|| format!("{} ({name})", config.product));
    two_factor::label(&shown)
        .map_err(|error| format!("the issuer '{shown}' will not do: {error}"))?;
    Ok(organisation)
}

pub(super) async fn users(config: &Config, command: Users) -> Result<(), Failure> {
    match command {
        Users::Add { name, email, password_stdin: _, organisations } => {
            add(config, &name, &email, &organisations).await
        }
        Users::List => list(config).await,
        Users::Disable { name } => {
            let store = open_ready(config).await?;
            let user = find(&*store, &name).await?;
            store.disable_user(&user.id, SystemClock.now()).await.map_err(told)?;
            store.close().await;
            output::say(format_args!("Disabled {name}."))
        }
        Users::Enable { name } => {
            let store = open_ready(config).await?;
            let user = find(&*store, &name).await?;
            store.enable_user(&user.id).await.map_err(told)?;
            store.close().await;
            output::say(format_args!("Enabled {name}."))
        }
        Users::Passwd { name, password_stdin: _ } => {
            let hash = hash(&password()?, &SystemSource::default()).map_err(|e| e.to_string())?;
            let store = open_ready(config).await?;
            let user = find(&*store, &name).await?;
            store.set_password(&user.id, &hash).await.map_err(told)?;
            store.close().await;
            if user.disabled_at.is_none() {
                return output::say(format_args!("Changed the password of {name}."));
            }
            output::say(format_args!(
                "Changed the password of {name}, who stays disabled until 'foundry-api users enable'."
            ))
        }
        Users::Join { name, organisation, default, administrator, no_administrator } => {
            let administrator = (administrator || no_administrator).then_some(administrator);
            let store = open_ready(config).await?;
            let user = find(&*store, &name).await?;
            store
                .join(&user.id, &organisation, default, administrator, SystemClock.now())
                .await
                .map_err(|error| named(error, "an organisation", &organisation))?;
            store.close().await;
            output::say(format_args!("{name} is a member of {organisation}."))
        }
        Users::Leave { name, organisation } => leave(config, &name, &organisation).await,
    }
}

async fn leave(config: &Config, name: &str, organisation: &str) -> Result<(), Failure> {
    let store = open_ready(config).await?;
    let user = find(&*store, name).await?;
    let left = store.leave(&user.id, organisation).await.map_err(told)?;
    store.close().await;
    if !left {
        return Err(format!("{name} is no member of '{organisation}'"));
    }
    if user.default_organisation.as_deref() != Some(organisation) {
        return output::say(format_args!("{name} is no member of {organisation} any more."));
    }
    output::say(format_args!(
        "{name} is no member of {organisation} any more, and has no default organisation until \
         'foundry-api users join --default'."
    ))
}

async fn add(
    config: &Config,
    name: &str,
    email: &str,
    organisations: &[String],
) -> Result<(), Failure> {
    if name.is_empty() || name.contains(':') || name.chars().any(char::is_control) {
        return Err("a user's name has no colon and no control characters, and is not empty".into());
    }
    two_factor::label(email).map_err(|error| format!("the e-mail address will not do: {error}"))?;
    let random = SystemSource::default();
    let user = NewUser {
        id: random::id(&random).map_err(|error| error.to_string())?,
        name: name.to_owned(),
        email: email.to_owned(),
        password_hash: hash(&password()?, &random).map_err(|error| error.to_string())?,
    };
    let store = open_ready(config).await?;
    store
        .add_user(&user, organisations, SystemClock.now())
        .await
        .map_err(|error| named(error, "a user or e-mail address", name))?;
    store.close().await;
    output::say(format_args!("Added user {name}."))
}

async fn list(config: &Config) -> Result<(), Failure> {
    let store = open_ready(config).await?;
    let users = store.users().await.map_err(told)?;
    store.close().await;
    output::list(users.iter().map(|user| {
        let default = user.default_organisation.as_deref().unwrap_or("-");
        let state = if user.disabled_at.is_some() { "disabled" } else { "enabled" };
        format!("{}\t{}\t{default}\t{state}\t{}", user.name, user.email, user.id)
    }))
}

pub(super) async fn find(store: &dyn Store, name: &str) -> Result<Arc<User>, Failure> {
    store.user_named(name).await.map_err(told)?.ok_or_else(|| format!("there is no user '{name}'"))
}

/// A failure about something that has a name. `what` has its article.
fn named(error: StoreError, what: &str, name: &str) -> Failure {
    match error {
        StoreError::Conflict => format!("there is {what} '{name}' already"),
        StoreError::Missing(what) => format!("there is no such {what}"),
        other => told(other),
    }
}
