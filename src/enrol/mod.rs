//! The page on which people set up their authenticator app: one document, one style sheet, one
//! script, in the binary. The script uses the service's JSON operations and nothing else.

/// The style sheet.
pub const STYLE: &str = include_str!("enrol.css");
/// The script.
pub const SCRIPT: &str = include_str!("enrol.js");
/// The picture in the browser's tab, of all pages.
pub const ICON: &str = include_str!("icon.svg");

/// The page. `product` is its name, `prefix` what stands before the paths of the service.
#[must_use]
pub fn page(product: &str, prefix: &str) -> String {
    let escaped = product.replace('&', "&amp;").replace('<', "&lt;");
    include_str!("enrol.html").replace("{prefix}", prefix).replace("{product}", &escaped)
}
