//! A service and its crowd, and what was done to them.

use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::crowd::{Crowd, lost};
use crate::service::{Service, Setup};
use crate::{Failure, Options};

pub(crate) struct World {
    pub(crate) crowd: Crowd,
    setup: Setup,
    log: PathBuf,
    service: Option<Service>,
    clients: usize,
    began: Instant,
    killed: usize,
    stopped: usize,
    slowest_stop: Duration,
}

impl World {
    pub(crate) fn begin(options: &Options, setup: Setup, log: PathBuf) -> Result<Self, Failure> {
        let service = setup.start(&log)?;
        let crowd = Crowd::gather(options.clients, service.address, 0);
        Ok(Self {
            crowd,
            setup,
            log,
            service: Some(service),
            clients: options.clients,
            began: Instant::now(),
            killed: 0,
            stopped: 0,
            slowest_stop: Duration::ZERO,
        })
    }

    pub(crate) fn service(&self) -> Result<&Service, Failure> {
        self.service.as_ref().ok_or_else(|| "there is no service".into())
    }

    fn restart(&mut self) -> Result<(), Failure> {
        let service = self.setup.start(&self.log)?;
        self.crowd.go_to(service.address);
        self.service = Some(service);
        Ok(())
    }

    /// `kill -9`, and another one is started.
    pub(crate) fn kill_service(&mut self) -> Result<(), Failure> {
        self.service.take().ok_or("there is no service")?.kill()?;
        self.killed += 1;
        self.restart()
    }

    /// `SIGTERM`, and another one is started.
    pub(crate) fn stop_service(&mut self) -> Result<(), Failure> {
        let took = self.service.take().ok_or("there is no service")?.stop()?;
        self.slowest_stop = self.slowest_stop.max(took);
        self.stopped += 1;
        self.restart()
    }

    /// Lets `keys` users ask, has the fault strike when so many `before` have their key, and waits
    /// until all of them do. A third of them come one after the other from the strike on, so that
    /// no fault meets a crowd that has nothing left to ask. What is wrong is told with its name.
    pub(crate) fn under(
        &mut self,
        name: &str,
        keys: usize,
        before: usize,
        fault: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let shown = self.crowd.shown();
        self.crowd.allow(keys - keys / 3);
        let done = self.crowd.wait_for(shown + before).and_then(|()| {
            self.crowd.drip(keys / 3);
            fault(self)
        });
        let done = done.and_then(|()| self.crowd.wait_for(shown + keys));
        done.map_err(|error| format!("{name}: {error}\n{}", self.complaints()).into())
    }

    /// Fails unless somebody has been told 503 while this is done.
    pub(crate) fn must_be_felt(
        &self,
        fault: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let unavailable = || self.crowd.counts().unavailable.load(Ordering::SeqCst);
        let before = unavailable();
        fault()?;
        if unavailable() > before { Ok(()) } else { Err("nobody felt it".into()) }
    }

    /// What happened so far, and the last lines that the service has logged.
    fn complaints(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        let last = lines[lines.len().saturating_sub(8)..].join("\n");
        format!("{}\n{last}", self.crowd.counts().told())
    }

    /// Verifies all that was shown, and prints what happened. Fails when anything is lost.
    pub(crate) fn end(mut self, run: &str, other: &str) -> Result<(), Failure> {
        let load = self.began.elapsed();
        let service = self.service.take().ok_or("there is no service")?;
        println!(
            "{run}: {} kills and {} stops of the service{other}\n\
             {run}: {}; the slowest stop took {} ms; {} s in all",
            self.killed,
            self.stopped,
            self.crowd.counts().told(),
            self.slowest_stop.as_millis(),
            load.as_secs(),
        );
        let shown = self.crowd.dismiss()?;
        let verifying = Instant::now();
        let lost = lost(self.clients, service.address, &shown);
        println!(
            "{run}: {} of {} answered keys verified in {} s, {} lost",
            shown.len() - lost.len(),
            shown.len(),
            verifying.elapsed().as_secs(),
            lost.len()
        );
        if let Some(first) = lost.first() {
            return Err(format!("{run}: {} keys are lost, the first: {first}", lost.len()).into());
        }
        without_panic(&service.log()?)?;
        service.stop()?;
        Ok(())
    }
}

/// What a panic leaves in the log.
pub(crate) fn without_panic(log: &str) -> Result<(), Failure> {
    match log.lines().find(|line| line.contains("panicked")) {
        None => Ok(()),
        Some(line) => Err(format!("the service has panicked: {line}").into()),
    }
}
