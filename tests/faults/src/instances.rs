//! Several services on one Postgres, behind a plain round-robin: what one of them is told holds for
//! all, and when one dies or is replaced the others go on.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::client::{Missing, Reply, once};
use crate::cluster::Cluster;
use crate::crowd::{Crowd, Shown, THROUGHOUT_MAX, lost};
use crate::fault::DATABASE;
use crate::people::{code, generate, login, now, organisation, put, sealing_key};
use crate::process::{Folder, ended};
use crate::proxy::Proxy;
use crate::service::{Service, Setup};
use crate::{Failure, Options, postgres};

const COUNT: usize = 3;
/// Users of the stories; the crowd takes those after them.
const RESERVED: usize = 100;
/// Within which what one instance does takes effect on the others.
const A_SECOND: Duration = Duration::from_secs(1);

pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::make()?;
    let keys = options.scale().keys / 6;
    // Four times something takes its time while the crowd asks.
    let users = RESERVED + keys + 4 * THROUGHOUT_MAX;
    let (cluster, setup) = postgres::prepared(options, users, &folder)?;
    let mut all = All { setup, log: folder.path().join("log"), services: Vec::new() };
    for _ in 0..COUNT {
        all.add()?;
    }
    for name in ["carol", "dave"] {
        let email = format!("{name}@example.com");
        let arguments =
            ["users", "add", name, "--email", &email, "--password-stdin", "--organisation", "org0"];
        all.setup.fed(&arguments, PASSWORD.as_bytes())?;
    }
    all.one_code_is_accepted_once()?;
    all.wrong_codes_are_counted_together()?;
    all.what_one_does_holds_for_all(&cluster)?;
    println!(
        "Instances: {COUNT} of them agree on sessions, tokens, codes used, wrong codes, logouts, \
         disabled users and memberships"
    );
    all.one_is_killed_and_keys_are_changed(options, keys)?;
    for service in all.services {
        crate::world::without_panic(&service.log()?)?;
        service.stop()?;
    }
    Ok(())
}

const PASSWORD: &str = "correct horse: battery staple";

struct All {
    setup: Setup,
    log: PathBuf,
    services: Vec<Service>,
}

/// The status of a reply; there must be one.
fn status(reply: &Result<Reply, Missing>) -> Result<u16, Failure> {
    match reply {
        Ok(reply) => Ok(reply.status),
        Err(missing) => Err(format!("no reply: {missing:?}").into()),
    }
}

fn check(so: bool, what: impl FnOnce() -> String) -> Result<(), Failure> {
    if so { Ok(()) } else { Err(what().into()) }
}

fn show(user: usize, code: &str) -> Vec<u8> {
    let organisation = organisation(user);
    let body = format!("{{\"organisationId\":\"{organisation}\",\"code\":\"{code}\"}}");
    put("/users/2fa/verify", &login(user), "application/json", &body)
}

fn ask_for_key(login: &str) -> Vec<u8> {
    put("/users/2fa/generate-key", login, "application/json", "{\"organisationId\":\"org0\"}")
}

/// A request to sign in or out.
fn auth(path: &str, login: &str, body: &str) -> Vec<u8> {
    let request = put(path, login, "application/json", body);
    [b"POST", &request[3..]].concat()
}

impl All {
    fn add(&mut self) -> Result<(), Failure> {
        self.services.push(self.setup.start(&self.log)?);
        Ok(())
    }

    fn addresses(&self) -> Vec<SocketAddr> {
        self.services.iter().map(|service| service.address).collect()
    }

    fn at(&self, turn: usize) -> SocketAddr {
        self.services[turn % self.services.len()].address
    }

    /// A key of a user, made by the first instance.
    fn enrol(&self, user: usize) -> Result<Vec<u8>, Failure> {
        let reply = once(self.at(0), &generate(user)).map_err(|missing| format!("{missing:?}"))?;
        reply.secret().ok_or_else(|| reply.told().into())
    }

    /// One code, sent to all instances at once: first the one that confirms, then one of the active
    /// key.
    fn one_code_is_accepted_once(&self) -> Result<(), Failure> {
        let at_once = |user: usize, code: &str, wanted: &str| {
            let request = show(user, code);
            let replies = std::thread::scope(|scope| {
                let send = |turn: usize| {
                    let (address, request) = (self.at(turn), &request);
                    scope.spawn(move || once(address, request))
                };
                let threads: Vec<_> = (0..10 * COUNT).map(send).collect();
                threads.into_iter().map(|thread| thread.join().ok()).collect::<Vec<_>>()
            });
            let mut accepted = 0;
            for reply in replies {
                let reply = reply.ok_or("a client panicked")?;
                match status(&reply)? {
                    200 => accepted += 1,
                    400 | 429 => {}
                    other => return Err(format!("a code sent at once was answered {other}").into()),
                }
            }
            check(accepted == 1, || format!("{wanted}: one code was accepted {accepted} times"))
        };
        for user in 0..4 {
            let secret = self.enrol(user)?;
            at_once(user, &code(&secret, now()), "Confirmed")?;
        }
        for user in 4..8 {
            let secret = self.enrol(user)?;
            let reply = once(self.at(1), &show(user, &code(&secret, now())));
            check(status(&reply)? == 200, || format!("{reply:?}"))?;
            // The step after is accepted, too, and has not been used yet.
            at_once(user, &code(&secret, now() + 30), "Verified")?;
        }
        Ok(())
    }

    /// Five wrong codes, to one instance each: then the right one is not looked at by any.
    fn wrong_codes_are_counted_together(&self) -> Result<(), Failure> {
        let user = 10;
        let secret = self.enrol(user)?;
        let near: Vec<String> = (0..=4).map(|step| code(&secret, now() + 30 * step - 60)).collect();
        let wrong = (0..10).map(|digit| digit.to_string().repeat(6));
        let wrong = wrong.into_iter().find(|code| !near.contains(code)).ok_or("no wrong code")?;
        for turn in 0..5 {
            let reply = once(self.at(turn), &show(user, &wrong));
            check(status(&reply)? == 400, || format!("wrong code {turn}: {reply:?}"))?;
        }
        for turn in 0..COUNT {
            let reply = once(self.at(turn), &show(user, &code(&secret, now())));
            check(status(&reply)? == 429, || format!("after five wrong codes: {reply:?}"))?;
        }
        Ok(())
    }

    /// Signs in at the first instance; gives the cookie and the token as header lines.
    fn sign_in(&self, name: &str) -> Result<(String, String), Failure> {
        let body = format!("{{\"userName\":\"{name}\",\"password\":\"{PASSWORD}\"}}");
        let request = auth("/auth/credentials", "X-Nobody: yes", &body);
        let reply = once(self.at(0), &request).map_err(|missing| format!("{missing:?}"))?;
        let between = |text: &str, before: &str, after: char| {
            text.split_once(before)?.1.split(after).next().map(str::to_owned)
        };
        let cookie = between(&reply.head, "ss-id=", ';').ok_or_else(|| reply.told())?;
        let token = between(&reply.body, "\"bearerToken\":\"", '"').ok_or_else(|| reply.told())?;
        Ok((format!("Cookie: ss-id={cookie}"), format!("Authorization: Bearer {token}")))
    }

    fn what_one_does_holds_for_all(&self, cluster: &Cluster) -> Result<(), Failure> {
        let (cookie, token) = self.sign_in("carol")?;
        self.takes_effect(&[&cookie, &token], 401, "logout", || {
            let reply = once(self.at(0), &auth("/auth/logout", &cookie, "{}"));
            check(status(&reply)? == 200, || format!("{reply:?}"))
        })?;
        let (cookie, token) = self.sign_in("dave")?;
        self.takes_effect(&[&cookie, &token], 401, "disabled user", || {
            self.setup.done(&["users", "disable", "dave"]).map(drop)
        })?;
        let (cookie, token) = self.sign_in("carol")?;
        self.takes_effect(&[&cookie, &token], 403, "removed membership", || {
            let remove = "DELETE FROM memberships WHERE organisation_id = 'org0' AND user_id = \
                          (SELECT id FROM users WHERE name = 'carol')";
            cluster.sql(DATABASE, remove)
        })
    }

    /// What worked everywhere works nowhere a second after the change.
    fn takes_effect(
        &self,
        logins: &[&str],
        refused: u16,
        what: &str,
        change: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let everywhere = |wanted: u16| {
            for (turn, login) in (0..COUNT).flat_map(|turn| logins.iter().map(move |l| (turn, l))) {
                let reply = once(self.at(turn), &ask_for_key(login));
                check(status(&reply)? == wanted, || {
                    format!("{what}, instance {turn}: wanted {wanted}: {reply:?}")
                })?;
            }
            Ok::<_, Failure>(())
        };
        everywhere(200)?;
        change()?;
        std::thread::sleep(A_SECOND);
        everywhere(refused)
    }

    /// Replaces each instance in turn by one with other sealing keys, as a rollout does.
    fn roll(&mut self, balancer: &Proxy, sealing_keys: String) -> Result<(), Failure> {
        self.setup.sealing_keys = sealing_keys;
        for _ in 0..COUNT {
            self.add()?;
            let old = self.services.remove(0);
            balancer.lead_to(self.addresses());
            old.stop()?;
        }
        Ok(())
    }

    /// While the crowd asks: one instance is killed; a new sealing key is brought in, the secrets are
    /// moved to it, and the old one is taken away.
    fn one_is_killed_and_keys_are_changed(
        &mut self,
        options: &Options,
        keys: usize,
    ) -> Result<(), Failure> {
        let balancer = Proxy::before(self.addresses())?;
        let crowd = Crowd::gather(options.clients, balancer.address, RESERVED);
        let counts = crowd.counts();
        let read = |count: &AtomicU64| count.load(Ordering::SeqCst);

        crowd.allow(keys);
        crowd.wait_for(keys / 3)?;
        self.services.remove(0).kill()?;
        crowd.wait_for(keys)?;
        let (broken, most) = (read(&counts.broken), read(&counts.most_broken));
        let (unavailable, refused) = (read(&counts.unavailable), read(&counts.refused));
        println!(
            "Instances: one of {COUNT} killed under load: {broken} of {} clients saw their own \
             connection break, {unavailable} times 503, {refused} times nobody there",
            options.clients
        );
        check(broken > 0 && most <= 1, || format!("a client saw {most} connections break"))?;
        check(unavailable == 0 && refused == 0, || "others noticed that one was killed".into())?;
        self.add()?;
        balancer.lead_to(self.addresses());

        let (first, second) = (sealing_key("first", 1), sealing_key("second", 2));
        let mut verified = HashSet::new();
        for keys in [format!("{first},{second}"), format!("{second},{first}")] {
            let before = crowd.shown();
            crowd.throughout(|| self.roll(&balancer, keys))?;
            // Half of them now, on whatever instance; the others when all is over.
            let shown = crowd.seen(before);
            let half = &shown[..shown.len() / 2];
            no_loss(options, balancer.address, half)?;
            verified.extend(half.iter().map(|shown| shown.user));
        }
        crowd.throughout(|| {
            let mut rewrap = self.setup.begin(&["keys", "rewrap"])?;
            let rewrapped = ended(&mut rewrap, Duration::from_mins(2))?;
            check(rewrapped.success(), || "the rewrap failed".into())
        })?;
        crowd.throughout(|| self.roll(&balancer, second))?;
        self.setup.done(&["keys", "status"])?;
        let unavailable = read(&counts.unavailable);
        check(unavailable == 0, || {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            let errors: Vec<&str> = log.lines().filter(|line| line.contains("ERROR")).collect();
            format!("{unavailable} times 503 while instances were replaced: {}", errors.join("\n"))
        })?;

        let shown = crowd.dismiss()?;
        let rest: Vec<_> =
            shown.iter().filter(|shown| !verified.contains(&shown.user)).cloned().collect();
        no_loss(options, balancer.address, &rest)?;
        println!(
            "Instances: {} keys answered while the sealing key was changed and every instance \
             replaced three times: all of them verified, 0 times 503",
            shown.len() - keys
        );
        Ok(())
    }
}

fn no_loss(options: &Options, address: SocketAddr, shown: &[Shown]) -> Result<(), Failure> {
    let lost = lost(options.clients, address, shown);
    match lost.first() {
        None => Ok(()),
        Some(first) => Err(format!("{} keys are lost, the first: {first}", lost.len()).into()),
    }
}
