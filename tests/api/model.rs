//! Random stories of one user's keys, told by several clients at once, against a model of sixty
//! lines. Actions of one round run side by side, so what they are answered and what is kept has to
//! be what the model has in one of their orders. All are one step, but for the making of a key: first
//! it is asked whether the client may have one, then the key is kept, and others may come between.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use foundry_api::clock::Clock as _;
use foundry_api::store::{KeyState, Store};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::authenticator::{Authenticator, Client, wrong_code};
use crate::support::TestApp;

/// What a client does. Keys are numbered as they were made; a code is one of a key, that many steps
/// from now.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Action {
    Generate,
    Verify { key: usize, steps: i64 },
    Guess,
    Reset { key: usize },
}

/// What happens: some clients do something at once, or time passes.
#[derive(Clone, Debug)]
enum Round {
    Act(Vec<(usize, Action)>),
    Wait(u64),
}

/// `after` is the key that was active when it was asked for: it can confirm only that key's
/// replacement.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    number: usize,
    after: Option<usize>,
    used: i64,
    expires: i64,
}

/// The model: seconds, and what is left of each key. `made` numbers the keys.
#[derive(Clone, Debug, Default, PartialEq)]
struct Model {
    pending: Vec<Key>,
    active: Option<Key>,
    wrong: i64,
    locked_until: i64,
    proven: BTreeMap<usize, i64>,
    gone: bool,
    /// The keys that are granted and not kept yet.
    granted: Vec<Key>,
}

impl Model {
    fn active(&self) -> Option<usize> {
        self.active.as_ref().map(|key| key.number)
    }

    /// Does the next step of an action; `made` is the number of the key that is made.
    fn answer(&mut self, now: i64, client: usize, action: Action, made: usize) -> &'static str {
        self.pending.retain(|key| key.expires > now);
        let proof = self.proven.get(&client).is_some_and(|at| now - at < 600);
        let (number, step) = match action {
            Action::Generate => {
                if let Some(at) = self.granted.iter().position(|key| key.number == made) {
                    self.pending.insert(0, self.granted.remove(at));
                    self.pending.truncate(5);
                } else if self.active.is_some() && !proof {
                    return "TwoFactorRequired";
                } else {
                    let after = self.active();
                    self.granted.push(Key { number: made, after, used: -1, expires: now + 600 });
                }
                return "key";
            }
            Action::Verify { key, steps } => (Some(key), now / 30 + steps),
            Action::Reset { key } => (Some(key), now / 30),
            Action::Guess => (None, 0),
        };
        if self.locked_until > now {
            return "TooManyRequests";
        }
        let reset = matches!(action, Action::Reset { .. });
        let near = (step - now / 30).abs() <= 1;
        let fits = |key: &&Key| Some(key.number) == number && near && step > key.used;
        let active = self.active();
        let mut confirming = self.pending.iter().filter(|key| !reset && key.after == active);
        let checked = active.is_some() || confirming.clone().next().is_some();
        let pending = confirming.find(fits).cloned();
        if pending.is_none() && !self.active.as_ref().is_some_and(|key| fits(&key)) {
            if checked {
                self.wrong += 1;
                let lock = [30, 60, 120, 240, 480, 900];
                if self.wrong % 5 == 0 {
                    let times = usize::try_from(self.wrong / 5 - 1).unwrap().min(5);
                    self.locked_until = now + lock[times];
                }
            }
            return "InvalidCode";
        }
        (self.wrong, self.locked_until) = (0, 0);
        if reset {
            let granted = std::mem::take(&mut self.granted);
            *self = Self { gone: true, granted, ..Self::default() };
            return "reset";
        }
        if let Some(key) = pending {
            *self = Self { active: Some(Key { used: step, ..key }), ..self.clone() };
            self.pending.clear();
            self.proven = BTreeMap::from([(client, now)]);
            return "Confirmed";
        }
        self.active.as_mut().unwrap().used = step;
        self.proven.insert(client, now);
        "Verified"
    }
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        4 => Just(Action::Generate),
        8 => (0..4usize, -2..=2i64).prop_map(|(key, steps)| Action::Verify { key, steps }),
        2 => Just(Action::Guess),
        1 => (0..3usize).prop_map(|key| Action::Reset { key }),
    ]
}

fn round() -> impl Strategy<Value = Round> {
    let act = prop::collection::vec((0..3usize, action()), 1..=3).prop_map(Round::Act);
    let wait = prop_oneof![Just(30u64), Just(31), Just(60), Just(599), Just(900)];
    prop_oneof![3 => act, 1 => wait.prop_map(Round::Wait)]
}

/// The orders of the steps of these actions, each step as the place of its action.
fn orders(acts: &[(usize, Action)]) -> BTreeSet<Vec<usize>> {
    let mut orders = BTreeSet::from([Vec::new()]);
    for (at, (_, action)) in acts.iter().enumerate() {
        for _step in 0..if *action == Action::Generate { 2 } else { 1 } {
            let with = |order: &Vec<usize>, before: usize| {
                let mut order = order.clone();
                order.insert(before, at);
                order
            };
            orders = orders
                .iter()
                .flat_map(|order| (0..=order.len()).map(move |before| with(order, before)))
                .collect();
        }
    }
    orders
}

/// One user, three sessions, and the apps that have scanned what they were shown.
struct World<'a> {
    app: &'a TestApp,
    clients: Vec<Client>,
    user: String,
    /// By number; a number whose key was refused has none.
    phones: BTreeMap<usize, Authenticator>,
    made: usize,
}

impl World<'_> {
    /// Which key an action means: counted from the newest one that was shown before this round.
    fn meant(&self, back: usize) -> Option<usize> {
        self.phones.keys().rev().nth(back).copied()
    }

    fn perform(&self, client: usize, action: Action) -> (String, Option<Authenticator>) {
        let app = self.app;
        let client = &self.clients[client];
        let now = app.clock.now();
        let code = |number: usize, steps: i64| {
            let by = Duration::from_secs(30 * steps.unsigned_abs());
            let at = if steps < 0 { now.minus(by) } else { now.plus(by) };
            self.phones[&number].code_at(at)
        };
        let reply = match action {
            Action::Generate => client.generate(app),
            Action::Verify { key, steps } => client.verify(app, &code(key, steps)),
            Action::Reset { key } => client.reset(app, None, &code(key, 0)),
            Action::Guess => {
                let phones: Vec<&Authenticator> = self.phones.values().collect();
                client.verify(app, &wrong_code(app, &phones))
            }
        };
        let body = reply.json();
        if reply.status != 200 {
            return (body["responseStatus"]["errorCode"].as_str().unwrap().to_owned(), None);
        }
        match action {
            Action::Generate => ("key".into(), Some(Authenticator::scan(&reply.uri()))),
            Action::Reset { .. } => ("reset".into(), None),
            _ => (body["status"].as_str().unwrap().to_owned(), None),
        }
    }

    /// Does a round, and gives the models that could have answered as the service did. Several may:
    /// who came first is not always to be seen at once.
    fn act(&mut self, models: &[Model], acts: &[(usize, Action)]) -> Vec<Model> {
        let mut acts = acts.to_vec();
        for (_, action) in &mut acts {
            let known = match *action {
                Action::Verify { key, .. } | Action::Reset { key } => self.meant(key),
                _ => Some(0),
            };
            *action = match (*action, known) {
                (Action::Verify { steps, .. }, Some(key)) => Action::Verify { key, steps },
                (Action::Reset { .. }, Some(key)) => Action::Reset { key },
                (action @ (Action::Generate | Action::Guess), _) => action,
                (_, None) => Action::Guess,
            };
        }
        let this = &*self;
        let answers: Vec<(String, Option<Authenticator>)> = std::thread::scope(|scope| {
            let running: Vec<_> = acts
                .iter()
                .map(|(client, action)| scope.spawn(|| this.perform(*client, *action)))
                .collect();
            running.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let now = self.app.clock.now().as_secs();
        let mut possible: Vec<Model> = Vec::new();
        let orders = orders(&acts);
        for model in models {
            for order in &orders {
                let mut model = model.clone();
                let agrees = order.iter().all(|at| {
                    let (client, action) = acts[*at];
                    // Who was signed in when a request came may be found so, although a reset at
                    // the same time has ended the session.
                    let ended = model.gone && answers[*at].0 == "Unauthorized";
                    ended || model.answer(now, client, action, self.made + at) == answers[*at].0
                });
                if agrees && !possible.contains(&model) {
                    possible.push(model);
                }
            }
        }
        let said: Vec<&String> = answers.iter().map(|(said, _)| said).collect();
        assert!(!possible.is_empty(), "{acts:?} at {now} answered {said:?}; before: {models:?}");
        for (at, (_, phone)) in answers.into_iter().enumerate() {
            self.phones.extend(phone.map(|phone| (self.made + at, phone)));
        }
        self.made += acts.len();
        possible
    }

    /// The models whose keys are the ones that are kept.
    async fn agreeing(&self, models: Vec<Model>) -> Vec<Model> {
        let now = self.app.clock.now();
        let kept = self.app.store.keys("org1", &self.user, now).await.unwrap();
        let mut found = (None, Vec::new());
        for key in &kept {
            let place =
                foundry_api::seal::Place { organisation: "org1", user: &self.user, key: &key.id };
            let secret = self.app.sealer.open(&key.sealed, place).unwrap();
            let mut shown = self.phones.iter();
            let number = *shown.find(|(_, phone)| phone.secret() == secret.as_bytes()).unwrap().0;
            match key.state {
                KeyState::Active => found.0 = Some(number),
                KeyState::Pending => found.1.push(number),
            }
        }
        let same = |model: &Model| {
            let pending = model.pending.iter().filter(|key| key.expires > now.as_secs());
            found == (model.active(), pending.map(|key| key.number).collect())
        };
        let agreeing: Vec<Model> = models.iter().filter(|model| same(model)).cloned().collect();
        assert!(!agreeing.is_empty(), "kept are {found:?}; expected one of {models:?}");
        agreeing
    }
}

async fn every_story_goes_as_the_model_tells_it(store: Arc<dyn Store>) {
    crate::support::populate(&*store).await;
    let settings = &[("FOUNDRY_KEY_RATE", "0")];
    let app = TestApp::with(store.clone(), settings, |app| app);
    let handle = tokio::runtime::Handle::current();
    let mut stories = 0;
    let mut runner =
        TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let tell = |rounds: Vec<Round>| {
        stories += 1;
        handle.block_on(tell(&app, stories, &rounds));
        Ok(())
    };
    let tell = std::cell::RefCell::new(tell);
    tokio::task::block_in_place(|| {
        runner
            .run(&prop::collection::vec(round(), 1..25), |rounds| (tell.borrow_mut())(rounds))
            .unwrap();
    });
}

async fn tell(app: &TestApp, story: usize, rounds: &[Round]) {
    let name = format!("user{story}");
    let user = crate::support::user(&name);
    app.store.add_user(&user, &["org1".to_owned()], app.clock.now()).await.unwrap();
    let mut clients = Vec::new();
    for client in 0..3 {
        clients.push(Client::of(&*app.store, &user.id, &format!("{story}-{client}")).await);
    }
    let mut world = World { app, clients, user: user.id, phones: BTreeMap::new(), made: 0 };
    let mut models = vec![Model::default()];
    for round in rounds {
        match round {
            Round::Wait(seconds) => app.clock.advance(Duration::from_secs(*seconds)),
            Round::Act(acts) => {
                models = world.act(&models, acts);
                models = world.agreeing(models).await;
            }
        }
        if models.iter().all(|model| model.gone) {
            // Everybody signs in again.
            world.clients.clear();
            for client in 0..3 {
                let name = format!("{story}-{client}-{}", world.made);
                world.clients.push(Client::of(&*app.store, &world.user, &name).await);
            }
            for model in &mut models {
                model.gone = false;
            }
        }
    }
}

crate::on_each_store! { every_story_goes_as_the_model_tells_it }
