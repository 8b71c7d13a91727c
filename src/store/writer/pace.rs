//! When a batch starts.
//!
//! Half a millisecond is less than the runtime's timers can tell apart, so a thread that sleeps
//! measures it. It sleeps only while something waits behind a batch that is on its way; otherwise
//! it is parked, and it does not exist before it is first needed.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Instant;

use super::queue::{Batch, Queue};
use super::{Shared, Sink};

/// Wakes the writer while something waits behind a batch.
#[derive(Default)]
pub(super) struct Metronome(Arc<Beat>);

#[derive(Default)]
struct Beat {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    running: bool,
    armed: bool,
    stopped: bool,
}

impl<S: Sink> Shared<S> {
    /// The batch that may start now. If one may start later, sees to it that it will.
    pub(super) fn next(
        this: &Arc<Self>,
        queue: &mut Queue<S::Connection>,
    ) -> Option<Batch<S::Connection>> {
        let settings = this.settings;
        if queue.len() == 0 || queue.started() >= settings.lanes {
            return None;
        }
        let now = Instant::now();
        let due = queue.last_start().is_none_or(|last| now >= last + settings.spacing);
        if queue.started() == 0 || due {
            return queue.start(settings.batch, now);
        }
        this.metronome.arm(this);
        None
    }

    /// Starts the batch that is due. Gives the time of the next one, if something waits for it.
    fn beat(this: &Arc<Self>) -> Option<Instant> {
        let mut queue = this.lock();
        if queue.len() == 0 || queue.started() >= this.settings.lanes {
            return None;
        }
        let due = queue.last_start()? + this.settings.spacing;
        if due > Instant::now() {
            return Some(due);
        }
        let batch = queue.start(this.settings.batch, Instant::now())?;
        let waits = queue.len() > 0;
        drop(queue);
        Self::drive(this, batch);
        waits.then(|| Instant::now() + this.settings.spacing)
    }
}

impl Metronome {
    /// Sees to it that [`Shared::beat`] is called until it has nothing to wait for.
    fn arm<S: Sink>(&self, shared: &Arc<Shared<S>>) {
        let mut state = self.0.lock();
        if state.armed {
            return;
        }
        state.armed = true;
        if state.running {
            self.0.changed.notify_one();
            return;
        }
        let (beat, shared) = (self.0.clone(), Arc::downgrade(shared));
        let thread = std::thread::Builder::new().name("store-writer".into());
        // Without the thread a batch starts when the one before it is done: slower, not wrong.
        state.running = thread.spawn(move || run(&beat, &shared)).is_ok();
    }

    pub(super) fn stop(&self) {
        self.0.lock().stopped = true;
        self.0.changed.notify_one();
    }
}

impl Beat {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn run<S: Sink>(beat: &Beat, shared: &Weak<Shared<S>>) {
    loop {
        let mut state = beat.lock();
        while !state.armed && !state.stopped {
            state = beat.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped {
            return;
        }
        // Disarmed before it looks, so that what comes while it looks arms it again.
        state.armed = false;
        drop(state);
        loop {
            let Some(shared) = shared.upgrade() else { return };
            let Some(due) = Shared::beat(&shared) else { break };
            drop(shared);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
    }
}
