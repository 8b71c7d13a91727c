//! Many at once: one code a thousand times, a thousand keys, ten thousand guesses. Two instances
//! share each store, so that nothing one of them remembers can be what holds.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use foundry_api::clock::Clock as _;
use foundry_api::store::{PendingKey, Store};

use crate::authenticator::{Authenticator, Client, refusal, wrong_code};
use crate::support::{NOW, Reply, TestApp};

const ALICE: &str = "id-of-alice";
const FREE: &[(&str, &str)] = &[("FOUNDRY_KEY_RATE", "0")];

/// Sends `count` requests from 64 threads; gives the replies.
fn crowd(count: usize, send: impl Fn(usize) -> Reply + Sync) -> Vec<Reply> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut replies = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::SeqCst);
            if number >= count {
                return replies;
            }
            replies.push(send(number));
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..64).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    })
}

async fn instances(store: &Arc<dyn Store>) -> [TestApp; 2] {
    crate::support::populate(&**store).await;
    [0, 1].map(|seed| {
        TestApp::with(store.clone(), FREE, |mut app| {
            app.random = Arc::new(crate::support::SeededRandom::from(seed * 1_000_000));
            app
        })
    })
}

async fn of_a_thousand_submissions_of_one_code_one_is_accepted(store: Arc<dyn Store>) {
    let apps = instances(&store).await;
    let alice = Client::of(&*store, ALICE, "a").await;
    let phone = alice.enrol(&apps[0]);
    for status in ["Confirmed", "Verified"] {
        let code = phone.code(&apps[0]);
        let replies = crowd(1000, |number| alice.verify(&apps[number % 2], &code));
        let accepted: Vec<&Reply> = replies.iter().filter(|reply| reply.status == 200).collect();
        assert_eq!(accepted.len(), 1, "{status}");
        assert_eq!(accepted[0].json()["status"], status);
        let told = |status| replies.iter().filter(|reply| reply.status == status).count();
        // The others are wrong codes, and after five of them there is the lock.
        assert_eq!((told(400), told(429)), (5, 994), "{status}");
        for app in &apps {
            app.next_step();
        }
    }
}

async fn of_a_thousand_keys_the_newest_five_confirm(store: Arc<dyn Store>) {
    let apps = instances(&store).await;
    let alice = Client::of(&*store, ALICE, "0").await;
    let replies = crowd(1000, |number| alice.generate(&apps[number % 2]));
    let shown: HashMap<Vec<u8>, Authenticator> = replies
        .into_iter()
        .map(|reply| Authenticator::scan(&reply.expect(200).uri()))
        .map(|phone| (phone.secret().to_vec(), phone))
        .collect();
    assert_eq!(shown.len(), 1000, "two replies show one key");
    let kept = store.keys("org1", ALICE, NOW).await.unwrap();
    assert_eq!(kept.len(), 5);
    for (number, key) in kept.into_iter().enumerate() {
        let place = foundry_api::seal::Place { organisation: "org1", user: ALICE, key: &key.id };
        let secret = apps[0].sealer.open(&key.sealed, place).unwrap();
        let phone = &shown[secret.as_bytes().as_slice()];
        let client = Client::of(&*store, ALICE, &(number + 1).to_string()).await;
        // The confirmation of the one before has removed it: as it was, it is put back.
        let again = PendingKey {
            id: key.id,
            organisation: "org1".into(),
            user: ALICE.into(),
            sealed: key.sealed,
            fingerprint: key.fingerprint,
            created_at: NOW,
            expires_at: apps[0].clock.now().plus(Duration::from_mins(10)),
        };
        if number > 0 {
            let event = crate::audit::event(&format!("again-{number}"));
            store.add_pending_key(again.clone(), event.clone()).await.unwrap();
        }
        let reply = client.verify(&apps[0], &phone.code(&apps[0])).expect(200);
        assert_eq!(reply.json()["status"], "Confirmed");
        apps[0].next_step();
        client.reset(&apps[0], None, &phone.code(&apps[0])).expect(200);
        apps[0].next_step();
    }
}

/// Ten thousand guesses within an hour. Every fifth wrong one locks, for 30, 60, 120, 240, 480, 900
/// and 900 seconds, which are 2,730: in an hour there are 8 times 5.
async fn a_guesser_gets_what_the_lock_allows_and_the_owner_gets_in(store: Arc<dyn Store>) {
    let apps = instances(&store).await;
    let owner = Client::of(&*store, ALICE, "owner").await;
    let thief = Client::of(&*store, ALICE, "thief").await;
    let phone = owner.confirmed(&apps[0]);
    let mut looked_at = 0;
    for _ in 0..100 {
        let wrong = wrong_code(&apps[0], &[&phone]);
        let replies = crowd(100, |number| thief.verify(&apps[number % 2], &wrong));
        for reply in replies {
            match reply.status {
                400 => looked_at += 1,
                429 => {}
                other => panic!("{other}: {}", reply.text()),
            }
        }
        for app in &apps {
            app.clock.advance(Duration::from_secs(36));
        }
    }
    assert_eq!(looked_at, 40);
    let wait = owner.verify(&apps[0], &phone.code(&apps[0]));
    let seconds: u64 = wait.header("Retry-After").map_or(0, |text| text.parse().unwrap());
    if seconds > 0 {
        refusal(wait, 429, "TooManyRequests");
        apps[0].clock.advance(Duration::from_secs(seconds));
        owner.verify(&apps[0], &phone.code(&apps[0])).expect(200);
    } else {
        wait.expect(200);
    }
}

crate::on_each_store! {
    of_a_thousand_submissions_of_one_code_one_is_accepted
    of_a_thousand_keys_the_newest_five_confirm
    a_guesser_gets_what_the_lock_allows_and_the_owner_gets_in
}
