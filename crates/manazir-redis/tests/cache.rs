//! A real Redis keeps the contract of caches; what becomes of it changes no answer.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

mod needs_redis {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::{Duration, Instant};

    use manazir_people::cache::{Cache, Cached};
    use manazir_people::contract::cache::{check_cache, check_cached};
    use manazir_people::contract::{People, join, person};
    use manazir_people::memory::InMemoryPeople;
    use manazir_people::{
        GraphStore, Limits, PeopleStore, ProfileKey, ProfilePatch, Recommendation, UserId, Which,
    };
    use manazir_redis::RedisCache;
    use manazir_testkit::redis::Redis as Server;

    const LIFE: Duration = Duration::from_secs(600);

    /// Each under a prefix of its own.
    fn cache(server: &Server) -> RedisCache {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        patient(&server.url(), &format!("test:{number}"))
    }

    /// A machine of tests may be slow; whoever waits for a server that ended is told so at once.
    fn patient(url: &str, prefix: &str) -> RedisCache {
        RedisCache::with_patience(url, prefix, Duration::from_secs(30)).unwrap()
    }

    fn truth(limits: Limits) -> InMemoryPeople {
        InMemoryPeople::new(limits, 1_000)
    }

    fn named(name: &str) -> ProfilePatch {
        ProfilePatch { name: Some(Some(name.to_owned())), ..ProfilePatch::default() }
    }

    async fn name(people: &impl PeopleStore, user: u32) -> Option<String> {
        people.profile(&ProfileKey::Id(UserId(user))).await.unwrap().unwrap().name
    }

    async fn rename(people: &impl PeopleStore, user: u32, name: &str) {
        people.update(UserId(user), &named(name), person(9).at).await.unwrap();
    }

    async fn ask<T: redis::FromRedisValue>(server: &Server, words: &[&str]) -> T {
        let client = redis::Client::open(server.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await.unwrap()
    }

    /// Asks until the cache answers instead of the truth; the time between is the cache's own pause.
    async fn until_it_keeps<P: People>(people: &Cached<P>) {
        let (before, end) = (people.counts().hits, Instant::now() + Duration::from_secs(60));
        while people.counts().hits == before {
            assert!(Instant::now() < end, "the cache did not come back");
            name(people, 1).await;
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_redis_keeps_the_contract_of_caches() {
        let server = Server::start();
        let all = cache(&server);
        check_cache(async || cache(&server)).await;
        check_cached(async |limits| truth(limits), async || cache(&server)).await;
        // More than one command takes.
        let entries: Vec<(String, Vec<u8>)> = (0..2_500).map(|at| (at.to_string(), vec![1])).collect();
        let keys: Vec<String> = entries.iter().map(|(key, _)| key.clone()).collect();
        all.put(entries, LIFE).await;
        assert!(all.get(&keys).await.iter().all(Option::is_some));
        assert!(all.forget(&keys).await);
        assert!(all.get(&keys).await.iter().all(Option::is_none));
        assert_eq!(all.failures(), 0);
    }

    #[tokio::test]
    async fn everything_in_a_redis_expires() {
        let server = Server::start();
        let people = Cached::new(truth(Limits::default()), Arc::new(cache(&server)), LIFE, 1);
        join(people.truth(), 3).await;
        people.profiles(&[1, 2, 3].map(UserId)).await.unwrap();
        people.recommendations(UserId(1), None, 5).await.unwrap();
        people.profile(&ProfileKey::Email("user1@example.com".to_owned())).await.unwrap();
        let keys: Vec<String> = ask(&server, &["KEYS", "*"]).await;
        assert_eq!(keys.len(), 5 + 3 + 1 + 1, "{keys:?}");
        for key in &keys {
            let life: i64 = ask(&server, &["PTTL", key]).await;
            assert!((1..=3_600_000).contains(&life), "{key}: {life}");
            // What people are called is in no key.
            assert!(!key.contains("user1"), "{key}");
        }
    }

    /// BB-W56: the original neither starts nor answers without it.
    #[tokio::test]
    async fn bb_w56_nobody_needs_a_redis_to_start() {
        let mut server = Server::start();
        server.kill();
        check_cached(async |limits| truth(limits), async || cache(&server)).await;
    }

    /// BB-W5: a server that is gone at once, comes back with what was on its disk, or with nothing.
    #[tokio::test]
    async fn bb_w5_a_redis_that_is_killed_changes_no_answer() {
        let mut server = Server::start();
        let kept = Arc::new(cache(&server));
        let people = Cached::new(truth(Limits::default()), Arc::clone(&kept) as Arc<dyn Cache>, LIFE, 1);
        join(people.truth(), 2).await;
        rename(&people, 1, "first").await;
        until_it_keeps(&people).await;

        server.kill();
        rename(&people, 1, "second").await;
        assert_eq!(name(&people, 1).await.as_deref(), Some("second"));
        assert!(kept.failures() > 0);
        // The old answer is on its disk, with the generation that was to be forgotten.
        server.restart();
        assert!(ask::<u64>(&server, &["DBSIZE"]).await > 0);
        assert_eq!(name(&people, 1).await.as_deref(), Some("second"));
        until_it_keeps(&people).await;
        assert_eq!(name(&people, 1).await.as_deref(), Some("second"));

        ask::<()>(&server, &["FLUSHALL"]).await;
        assert_eq!(name(&people, 1).await.as_deref(), Some("second"));
        until_it_keeps(&people).await;
    }

    /// A server that comes back with what it had before the last writes, of which it told that they were done.
    #[tokio::test]
    async fn bb_w5_what_a_redis_had_before_it_ended_is_not_believed() {
        let mut server = Server::start();
        let shared = || Arc::new(patient(&server.url(), "shared"));
        let everyone = truth(Limits::default());
        join(&everyone, 1).await;
        let people = Cached::new(everyone.clone(), shared(), LIFE, 1);
        until_it_keeps(&people).await;
        // Written past the cache: only what is kept of before could say otherwise.
        rename(&everyone, 1, "new").await;
        assert_eq!(name(&people, 1).await, None);
        let later = shared();
        server.restart();
        assert_eq!(name(&Cached::new(everyone.clone(), later, LIFE, 2), 1).await.as_deref(), Some("new"));
        assert_eq!(name(&people, 1).await.as_deref(), Some("new"));
    }

    /// The whole contract, while the server is killed, started and emptied again and again.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn bb_w5_a_redis_that_is_killed_in_the_middle_keeps_the_contract() {
        let mut server = Server::start();
        let url = server.url();
        let number = AtomicU32::new(0);
        let trouble = std::thread::spawn(move || (0..10).for_each(|_| server.restart()));
        while !trouble.is_finished() {
            let next = || number.fetch_add(1, Ordering::Relaxed);
            let open = async || patient(&url, &format!("killed:{}", next()));
            check_cached(async |limits| truth(limits), open).await;
        }
        trouble.join().unwrap();
    }

    /// The server goes on and keeps all it had, but does not answer for longer than anybody waits.
    #[tokio::test]
    async fn what_could_not_be_forgotten_is_forgotten_before_anything_is_believed() {
        let server = Server::start();
        let hasty = RedisCache::with_patience(&server.url(), "a", Duration::from_millis(100)).unwrap();
        let people = Cached::new(truth(Limits::default()), Arc::new(hasty), LIFE, 1);
        join(people.truth(), 2).await;
        let recommended = Recommendation {
            user: UserId(1),
            recommended: UserId(2),
            source: "hr".to_owned(),
            score: 1,
            reason: String::new(),
            at: person(1).at,
        };
        people.recommend(&[recommended]).await.unwrap();
        until_it_keeps(&people).await;
        people.recommendations(UserId(1), None, 5).await.unwrap();
        until_it_keeps(&people).await;
        ask::<()>(&server, &["CLIENT", "PAUSE", "1500", "ALL"]).await;
        people.withdraw(UserId(1), &Which::All).await.unwrap();
        rename(&people, 1, "new").await;
        assert!(people.recommendations(UserId(1), None, 5).await.unwrap().is_empty());
        until_it_keeps(&people).await;
        assert!(people.recommendations(UserId(1), None, 5).await.unwrap().is_empty());
        assert_eq!(name(&people, 1).await.as_deref(), Some("new"));
    }

    /// A server that takes nothing more.
    #[tokio::test]
    async fn bb_w5_a_redis_that_is_full_changes_no_answer() {
        let server = Server::start_with(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]);
        let full = cache(&server);
        full.put(vec![("a".to_owned(), vec![0; 100])], LIFE).await;
        assert!(full.failures() > 0);
        check_cached(async |limits| truth(limits), async || cache(&server)).await;
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let error = RedisCache::new("http://secret@host", "a").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
