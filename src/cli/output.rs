//! What commands say. `println!` would end the process in a panic where nobody reads any more, or
//! where what is written to is full.

use std::fmt::Arguments;
use std::io::{self, BufWriter, ErrorKind, Write as _};

use super::Failure;

/// Says a line on standard output.
pub(super) fn say(line: Arguments<'_>) -> Result<(), Failure> {
    settled(show(line))
}

/// Says lines on standard output.
pub(super) fn list(lines: impl IntoIterator<Item = String>) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout());
    let mut lines = lines.into_iter();
    settled(lines.try_for_each(|line| writeln!(out, "{line}")).and_then(|()| out.flush()))
}

/// Says a line that is worth nothing unless somebody reads it: a pipe that was closed is a failure, too.
pub(super) fn show(line: Arguments<'_>) -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "{line}")?;
    out.flush()
}

/// What has become of writing to standard output.
pub(super) fn settled(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        // Whoever reads has seen enough.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(format!("standard output: {error}"))
        }
        _ => Ok(()),
    }
}

/// Says a line on standard error. Where that fails, nobody is left to be told.
pub(super) fn note(line: Arguments<'_>) {
    let _unheard = writeln!(io::stderr(), "{line}");
}
