//! `foundry-api audit`: what was done and refused.

use std::io::{BufWriter, Write};

use clap::Args;
use serde_json::json;

use super::{Failure, open_ready, output, told};
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::config::{Config, duration};
use crate::store::AuditRow;

#[derive(Args)]
pub(super) struct Audit {
    /// Only what this user did, and what others did with this user's keys: a name, an e-mail address, or
    /// the id of a user who is gone.
    #[arg(long)]
    user: Option<String>,
    /// Only since then: RFC 3339, or a time before now such as 90s, 30m or 12h.
    #[arg(long, value_parser = since)]
    since: Option<Since>,
    /// One JSON object a line instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy)]
enum Since {
    At(Timestamp),
    Before(std::time::Duration),
}

fn since(text: &str) -> Result<Since, Failure> {
    let at = Timestamp::parse_rfc3339(text).map(Since::At);
    at.or_else(|| duration(text).map(Since::Before))
        .ok_or_else(|| "expected a date such as 2026-11-18T11:06:40Z or a time such as 12h".into())
}

pub(super) async fn audit(config: &Config, command: Audit) -> Result<(), Failure> {
    let store = open_ready(config).await?;
    let user = match command.user {
        Some(name) => {
            let known = store.user_named(&name).await.map_err(told)?;
            Some(known.map_or(name, |user| user.id.clone()))
        }
        None => None,
    };
    let since = match command.since {
        Some(Since::At(at)) => at,
        Some(Since::Before(span)) => SystemClock.now().minus(span),
        None => Timestamp::from_millis(0),
    };
    let mut out = BufWriter::new(std::io::stdout());
    let mut written = if command.json { Ok(()) } else { heading(&mut out) };
    let mut each = |row: AuditRow| {
        written = if command.json { line(&mut out, &row) } else { entry(&mut out, &row) };
        written.is_ok()
    };
    store.events(user.as_deref(), since, &mut each).await.map_err(told)?;
    store.close().await;
    output::settled(written.and_then(|()| out.flush()))
}

fn line(out: &mut impl Write, row: &AuditRow) -> std::io::Result<()> {
    let object = json!({
        "at": row.at.to_rfc3339(),
        "user": row.user,
        "userName": row.user_name,
        "target": row.target,
        "targetName": row.target_name,
        "organisation": row.organisation,
        "action": row.action,
        "outcome": row.outcome,
        "address": row.address,
        "requestId": row.request_id,
        "fingerprint": row.fingerprint,
    });
    writeln!(out, "{object}")
}

fn heading(out: &mut impl Write) -> std::io::Result<()> {
    columns(
        out,
        ["AT", "USER", "ORGANISATION", "ACTION", "TARGET", "OUTCOME", "ADDRESS", "KEY", "REQUEST"],
    )
}

fn entry(out: &mut impl Write, row: &AuditRow) -> std::io::Result<()> {
    let at = row.at.to_rfc3339();
    columns(
        out,
        [
            &at,
            row.user_name.as_deref().unwrap_or(&row.user),
            &row.organisation,
            &row.action,
            row.target_name.as_ref().or(row.target.as_ref()).map_or("-", String::as_str),
            &row.outcome,
            &row.address,
            row.fingerprint.as_deref().unwrap_or("-"),
            &row.request_id,
        ],
    )
}

/// What a client sent must neither steer the terminal, nor turn a line around, nor look like another
/// column: what is not printed is written as its number, and so are blanks, but for one between words.
fn shown(cell: &str) -> String {
    let mut shown = String::with_capacity(cell.len());
    let mut before = ' ';
    let mut letters = cell.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            ' ' if before != ' ' && letters.peek().is_some() => shown.push(' '),
            ' ' => shown.extend(letter.escape_unicode()),
            // Letters, to Unicode, of which nothing is to be seen.
            '\u{115F}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{FFA0}' => {
                shown.extend(letter.escape_unicode());
            }
            letter if letter.is_ascii_graphic() => shown.push(letter),
            // A mark, such as an accent, needs a letter to stand on.
            letter if before == ' ' => shown.extend(letter.escape_debug()),
            letter => shown.extend(format!("x{letter}").escape_debug().skip(1)),
        }
        before = letter;
    }
    if shown.is_empty() { "-".to_owned() } else { shown }
}

fn columns(out: &mut impl Write, cells: [&str; 9]) -> std::io::Result<()> {
    let [at, user, organisation, action, target, outcome, address, key, request] = cells.map(shown);
    writeln!(
        out,
        "{at:<20}  {user:<16}  {organisation:<16}  {action:<41}  {target:<16}  {outcome:<19}  \
         {address:<15}  {key:<12}  {request}"
    )
}
