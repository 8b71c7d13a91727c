//! The service with another store than it has of its own accord, configured by its variables.

use std::sync::Arc;

use actix_web::web;
use foundry_api::app::App;
use foundry_api::config::Config;
use foundry_api::http;
use foundry_api::seal::Sealer;
use foundry_api::store::{self, Options, Store};

use crate::Failure;

/// Serves over what `with` makes of the store that is opened with `options`.
pub(crate) fn serve(
    options: Options,
    with: fn(Arc<dyn Store>) -> Arc<dyn Store>,
) -> Result<(), Failure> {
    actix_web::rt::System::new().block_on(async {
        let config = Config::from_env()?;
        let url = config.database_url.as_deref().ok_or("DATABASE_URL is not set")?;
        let keys = config.sealing_keys.as_deref().ok_or("FOUNDRY_SEALING_KEYS is not set")?;
        let (store, sealer) = (store::open_with(url, options).await?, Sealer::parse(keys)?);
        let app = App::standard(config, with(store), sealer);
        let server = http::bind(web::Data::new(app))?;
        println!("http://{}", server.address());
        server.run().await?;
        Ok(())
    })
}
