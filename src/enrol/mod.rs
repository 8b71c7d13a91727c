//! The page on which people set up their authenticator app: one document, one style sheet, one
//! script, in the binary. The script uses the service's JSON operations and nothing else.

use crate::metadata::escape;

/// The style sheet.
pub const STYLE: &str = include_str!("enrol.css");
/// The script.
pub const SCRIPT: &str = include_str!("enrol.js");
/// The picture in the browser's tab, of all pages.
pub const ICON: &str = include_str!("icon.svg");

/// The page. `product` is its name, `prefix` what stands before the paths of the service.
#[must_use]
pub fn page(product: &str, prefix: &str) -> String {
    include_str!("enrol.html")
        .replace("{prefix}", &escape(prefix))
        .replace("{product}", &escape(product))
}
