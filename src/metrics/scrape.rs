//! What nobody counts as it happens, and is asked for when somebody scrapes.
//!
//! What this instance knows of itself (connections, queues) is read each time. What the database has
//! to be asked (how many keys there are, what its clock says) is asked at most once in
//! [`FRESH`], by one scrape at a time, and not for longer than [`PATIENCE`]; in between the last
//! answer is told. The answer costs the same however many rows there are: keys are counted in an
//! index up to a number ([`COUNTED_MOST`]), pending keys in a sample of the table
//! (`Statistics::census`).

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::{Duration, Instant};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::Mutex;

use super::{FRESH, Metrics};
use crate::app::App;
use crate::http::health;
use crate::store::{COUNTED_MOST, Census, Load};

/// How long a scrape waits for the database.
const PATIENCE: Duration = Duration::from_secs(3);
/// What stands for keys that are not configured here. Their ids come out of the database, so there is
/// no telling how many there are.
const NOT_CONFIGURED: &str = "not configured";

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Connections {
    state: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct SealedBy {
    sealing_key: String,
}

/// No labels: a gauge of a family can be absent, one of its own is 0 before anybody knows.
type Alone = [(&'static str, &'static str); 0];

/// The gauges that are set when somebody scrapes.
pub(super) struct Sampled {
    connections: Family<Connections, Gauge>,
    connections_most: Gauge,
    waiting: Gauge,
    batches: Gauge,
    rows: Counter,
    commits: Counter,
    turned_away: Counter,
    keys: Family<SealedBy, Gauge>,
    pending: Family<Alone, Gauge>,
    skew: Family<Alone, Gauge<f64, AtomicU64>>,
    asked: Mutex<Option<Instant>>,
    /// Which scrapes found the database silent.
    silent: Counter,
}

impl Sampled {
    pub(super) fn registered(registry: &mut Registry) -> Self {
        let connections = Family::default();
        registry.register(
            "database_connections",
            "Connections to the database, but for the writer's own: in use, or idle. When all that \
             are allowed are in use, requests wait for one, and are answered 503 after five seconds",
            connections.clone(),
        );
        let mut gauge = |name: &str, help: String| {
            let gauge = Gauge::<i64, AtomicI64>::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let connections_most =
            gauge("database_connections_most", "Connections that are allowed".into());
        let waiting = gauge("writer_waiting", "Keys that wait to be written".into());
        let batches = gauge("writer_batches", "Batches of keys on their way to the disk".into());
        let mut counter = |name: &str, help: &str| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let rows = counter("writer_rows", "Keys written; by writer_commits, the size of a batch");
        let commits = counter("writer_commits", "Batches of keys committed");
        let turned_away =
            counter("writer_refused", "Keys that were answered 503 because too many were waiting");
        let silent =
            counter("census_failures", "Times that the database did not say how many keys it has");
        let keys = Family::default();
        registry.register(
            "keys",
            format!(
                "Two-factor keys by the sealing key that they are sealed with, counted once a minute \
                 up to {COUNTED_MOST}, which stands for as many or more ('foundry-api keys status' \
                 counts all). Keys under a sealing key that is not configured cannot be opened"
            ),
            keys.clone(),
        );
        let pending = Family::default();
        registry.register(
            "pending_keys",
            "Two-factor keys that wait to be confirmed, once a minute; estimated from a sample of a \
             large table",
            pending.clone(),
        );
        let skew = Family::default();
        registry.register(
            "clock_skew_seconds",
            "How far the database's clock is ahead of this machine's, once a minute; nothing where \
             they are one clock",
            skew.clone(),
        );
        Self {
            connections,
            connections_most,
            waiting,
            batches,
            rows,
            commits,
            turned_away,
            keys,
            pending,
            skew,
            asked: Mutex::new(None),
            silent,
        }
    }

    fn load(&self, load: Load) {
        for (state, count) in [("idle", load.idle), ("used", load.used)] {
            self.connections.get_or_create(&Connections { state }).set(count.into());
        }
        self.connections_most.set(load.most.into());
        self.waiting.set(signed(load.waiting));
        self.batches.set(signed(load.batches));
        for (counter, now) in [
            (&self.rows, load.rows),
            (&self.commits, load.commits),
            (&self.turned_away, load.turned_away),
        ] {
            counter.inc_by(now.saturating_sub(counter.get()));
        }
    }

    fn census(&self, app: &App, census: &Census) {
        // Keys that were there before and are gone are told as none, not as they were.
        let configured = app.sealer.ids().map(str::to_owned);
        for id in configured.chain([NOT_CONFIGURED.to_owned()]) {
            let known = |id: &str| app.sealer.ids().any(|known| known == id);
            let counts = census.sealed.iter().filter(|(sealed_by, _)| {
                if id == NOT_CONFIGURED { !known(sealed_by) } else { *sealed_by == id }
            });
            let count = counts.map(|(_, count)| *count).sum();
            self.keys.get_or_create(&SealedBy { sealing_key: id }).set(signed(count));
        }
        if let Some(pending) = census.pending {
            self.pending.get_or_create(&[]).set(signed(pending));
        }
    }

    /// Asks the database, if it was not asked a short while ago and nobody else is at it.
    async fn ask(&self, app: &App) {
        let Ok(mut asked) = self.asked.try_lock() else { return };
        if asked.is_some_and(|at| at.elapsed() < FRESH) {
            return;
        }
        let answers = async {
            let census = app.store.census(app.clock.now()).await?;
            Ok::<_, crate::error::Error>((census, health::clock_skew(app).await?))
        };
        if let Ok(Ok((census, skew))) = tokio::time::timeout(PATIENCE, answers).await {
            self.census(app, &census);
            if let Some(skew) = skew {
                self.skew.get_or_create(&[]).set(skew.seconds());
            }
        } else {
            // Better nothing than what was true before, as if it were of now.
            self.keys.clear();
            self.pending.clear();
            self.skew.clear();
            self.silent.inc();
        }
        *asked = Some(Instant::now());
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl Metrics {
    /// All of it, with what has to be asked for.
    pub async fn scraped(&self, app: &App) -> String {
        self.sampled.load(app.store.load());
        tokio::join!(self.sampled.ask(app), self.readiness.look(app));
        self.text()
    }
}
