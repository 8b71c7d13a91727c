//! `text/csv`: a header line and a row for each response, as the original writes them
//! (`fixtures/wire`, rule S4).
//!
//! The header has the members' declared names, whatever the host's case is. A member that is more
//! than text is written as JSV, in the host's case. Null and empty text look the same.

use std::borrow::Cow;

use serde_json::Value;

use super::{Format, Host, MediaType, Unwritable, tree};
use crate::dto::{AnyDto, Case, FieldDef};

/// CSV. It is only written.
pub struct Csv;

impl Format for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn media_types(&self) -> &'static [MediaType] {
        const { &[MediaType::plain("text/csv")] }
    }

    fn write(&self, body: &dyn AnyDto, host: Host, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        let fields = body.def().fields;
        let names: Vec<_> = fields.iter().map(|field| Cow::Borrowed(field.name)).collect();
        line(&names, out);
        let rows = match tree(body, host, "csv")? {
            Value::Array(rows) => rows,
            row => vec![row],
        };
        for row in &rows {
            let cells: Result<Vec<_>, _> =
                fields.iter().map(|field| cell(row, field, host.case)).collect();
            line(&cells?, out);
        }
        Ok(())
    }

    /// A file's name, so that browsers save it (rule N7).
    fn head(&self, operation: &str) -> Vec<(&'static str, String)> {
        vec![("Content-Disposition", format!("attachment;filename=\"{operation}.csv\""))]
    }
}

fn cell<'v>(row: &'v Value, field: &FieldDef, case: Case) -> Result<Cow<'v, str>, Unwritable> {
    match row.get(field.spelled(case)) {
        None | Some(Value::Null) => Ok(Cow::Borrowed("")),
        Some(Value::String(text)) => Ok(Cow::Borrowed(text)),
        Some(value) => jsv::to_string(value)
            .map(Cow::Owned)
            .map_err(|error| Unwritable { format: "csv", reason: error.to_string() }),
    }
}

fn line(cells: &[Cow<'_, str>], out: &mut Vec<u8>) {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if is_quoted(cell) {
            out.push(b'"');
            out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn is_quoted(cell: &str) -> bool {
    cell.contains([',', '"', '\r', '\n']) || cell.starts_with(['[', '{'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dto::{ErrorResponse, ResponseError, ResponseStatus};

    fn written(body: &dyn AnyDto, case: Case) -> String {
        let mut out = Vec::new();
        Csv.write(body, Host { case }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn error(message: &str) -> ResponseError {
        let text = |text: &str| Some(text.to_owned());
        ResponseError { error_code: text("A,b"), message: text(message), ..Default::default() }
    }

    #[test]
    fn a_cell_is_quoted_as_the_original_quotes_it() {
        for (text, cell) in [
            ("x[b]", "x[b]"),
            ("[b", "\"[b\""),
            ("{", "\"{\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\nb", "\"a\nb\""),
            (" a ", " a "),
            ("", ""),
        ] {
            let row = format!("ErrorCode,FieldName,Message,Meta\r\n\"A,b\",,{cell},\r\n");
            assert_eq!(written(&error(text), Case::Camel), row);
        }
    }

    #[test]
    fn what_is_more_than_text_is_jsv_in_the_hosts_case() {
        let status = ResponseStatus { errors: Some(vec![error("m")]), ..Default::default() };
        let body = ErrorResponse { response_status: Some(status) };
        let camel = "ResponseStatus\r\n\"{errors:[{errorCode:\"\"A,b\"\",message:m}]}\"\r\n";
        assert_eq!(written(&body, Case::Camel), camel);
        let pascal = "ResponseStatus\r\n\"{Errors:[{ErrorCode:\"\"A,b\"\",Message:m}]}\"\r\n";
        assert_eq!(written(&body, Case::Pascal), pascal);
    }

    #[test]
    fn a_batch_is_a_row_each() {
        let rows = written(&vec![error("1"), error("2")], Case::Camel);
        assert_eq!(rows, "ErrorCode,FieldName,Message,Meta\r\n\"A,b\",,1,\r\n\"A,b\",,2,\r\n");
    }
}
