//! The document and its page as they are sent: made at the first request. Making them takes some
//! milliseconds, for which nobody need show a credential.

use std::sync::OnceLock;

use serde_json::Value;

use super::{document, page};
use crate::metadata::Site;

/// The document and its page of one service.
#[derive(Default)]
pub struct Kept {
    /// What stands before and behind the address of the service, all that differs between two requests.
    json: OnceLock<[String; 2]>,
    page: OnceLock<String>,
}

impl Kept {
    /// The document as JSON.
    #[must_use]
    pub fn json(&self, site: &Site<'_>) -> String {
        let url = Value::from(site.base_url).to_string();
        let [before, behind] = self.json.get_or_init(|| {
            let whole = document(site).to_string();
            let address = format!("\"servers\":[{{\"url\":{url}");
            let end = whole.find(&address).map_or(whole.len(), |at| at + address.len());
            let (before, behind) = whole.split_at(end);
            [before.strip_suffix(&url).unwrap_or(before).to_owned(), behind.to_owned()]
        });
        [before, url.as_str(), behind].concat()
    }

    /// The page.
    #[must_use]
    pub fn page(&self, site: &Site<'_>) -> String {
        self.page.get_or_init(|| page(site)).clone()
    }
}
