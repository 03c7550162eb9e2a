use std::cell::{Cell, RefCell};

use futures::future::join_all;
use proptest::prelude::*;
use tokio::time::sleep;

use super::*;
use crate::model::FailureKind;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

fn paused<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.unwrap().block_on(test)
}

/// The times at which `n` waiting tasks pass a gate, in the order of asking.
async fn passes(gate: &Arc<Gate>, n: usize) -> Vec<Duration> {
    let waiters = (0..n).map(|_| {
        let gate = Arc::clone(gate);
        tokio::spawn(async move {
            let permit = gate.pass().await;
            gate.admitted(&permit);
            gate.now()
        })
    });
    let waiters: Vec<_> = waiters.collect();
    join_all(waiters).await.into_iter().map(Result::unwrap).collect()
}

/// The times at which so many seconds' worth of waiting tasks pass while their thread does, again and
/// again, nothing for so many microseconds and then something else; and how long that was in all.
fn passes_of_a_busy_thread(per_second: u32, seconds: u32, busy: &[(u64, u64)]) -> (Vec<Duration>, Duration) {
    paused(async {
        let gate = Arc::new(Gate::new(rate(&format!("{per_second}/s"))));
        let passing = tokio::spawn(async move { passes(&gate, (seconds * per_second) as usize).await });
        let mut stalled = Duration::ZERO;
        for (idle, busy) in busy {
            sleep(Duration::from_micros(*idle)).await;
            let busy = Duration::from_micros(*busy);
            tokio::time::advance(busy).await;
            stalled += busy;
        }
        (passing.await.unwrap(), stalled)
    })
}

fn busiest(times: &[Duration], window: Duration) -> usize {
    let within =
        |(first, start): (usize, &Duration)| times.partition_point(|time| *time < *start + window) - first;
    times.iter().enumerate().map(within).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn the_rate_is_kept_reached_and_fair(per_second in 1_u32..5000, n in 1_usize..3000) {
        let gate = rate(&format!("{per_second}/s"));
        let times = paused(async { passes(&Arc::new(Gate::new(gate)), n).await });
        prop_assert!(times.is_sorted(), "first come first served");
        prop_assert!(busiest(&times, SECOND) <= per_second as usize);
        let ideal = n as f64 / f64::from(per_second);
        // A timer is a millisecond late at most.
        prop_assert!(times.last().unwrap().as_secs_f64() <= ideal * 1.01 + 0.001);
    }

    /// The thread that the waiters run on is busy with other things now and then.
    #[test]
    fn however_late_it_is_no_second_sees_too_many(
        per_second in 1_u32..2000,
        busy in prop::collection::vec((0_u64..100_000, 0_u64..100_000), 1..100),
    ) {
        let (times, stalled) = passes_of_a_busy_thread(per_second, 3, &busy);
        prop_assert!(times.is_sorted());
        prop_assert!(busiest(&times, SECOND) <= per_second as usize);
        prop_assert!(times.last().unwrap().as_secs_f64() <= 3.0 * 1.01 + stalled.as_secs_f64());
    }

    #[test]
    fn a_short_stall_costs_no_time(per_second in 10_u32..1000, at in 0_u64..9_500_000, stall in 0_u64..25_000) {
        let (times, _) = passes_of_a_busy_thread(per_second, 10, &[(at, stall)]);
        prop_assert!(busiest(&times, SECOND) <= per_second as usize);
        prop_assert!(times.last().unwrap().as_secs_f64() <= 10.0 * 1.01);
    }

    /// Requests that are made seldom, as with few slots and a slow server, save nothing up.
    #[test]
    fn an_unused_gate_lets_no_heap_through(
        per_second in 1_u32..1000,
        asking in prop::collection::vec((0_u64..2000, 1_usize..300), 1..8),
    ) {
        let gate = rate(&format!("{per_second}/s"));
        let times = paused(async {
            let gate = Arc::new(Gate::new(gate));
            let mut times = Vec::new();
            for (pause, n) in asking {
                sleep(Duration::from_millis(pause)).await;
                times.extend(passes(&gate, n).await);
            }
            times
        });
        prop_assert!(times.is_sorted());
        prop_assert!(busiest(&times, SECOND) <= per_second as usize);
        let moment = Duration::from_millis(5);
        let most = 1 + (moment.as_secs_f64() * f64::from(per_second)).ceil() as usize;
        prop_assert!(busiest(&times, moment) <= most);
    }
}

#[test]
fn a_minute_of_60_a_minute_never_sees_more() {
    let times = paused(async { passes(&Arc::new(Gate::new(rate("60/m"))), 200).await });
    assert_eq!(busiest(&times, Duration::from_secs(60)), 60);
    assert!(times.last().unwrap().as_secs_f64() <= 200.0 * 1.01);
}

#[tokio::test(start_paused = true)]
async fn the_first_request_goes_alone_until_it_is_answered() {
    let answered = Gate::new(rate("1000/s"));
    let first = answered.pass().await;
    let second = async {
        let _permit = answered.pass().await;
        answered.now()
    };
    let answer = async {
        sleep(HEAD_START / 2).await;
        answered.admitted(&first);
    };
    assert_eq!(futures::join!(second, answer).0, HEAD_START / 2);
}

/// An access key is locked after five refusals, and each of these requests may bring one.
#[tokio::test(start_paused = true)]
async fn few_requests_go_before_one_shows_that_the_credentials_are_good() {
    let gate = Arc::new(Gate::new(rate("1000/s")));
    let broken = Failure::new(FailureKind::ConnectionLost, "connection reset".to_owned());
    let unavailable = Failure { status: Some(503), ..broken.clone() };
    let first = gate.pass().await;
    gate.failed(&first, 1, &broken);
    let second = gate.pass().await;
    gate.failed(&second, 1, &unavailable);
    assert!(gate.now() < SECOND, "one that ends makes room for the next");
    let third = gate.pass().await;
    for _ in 1..UNPROVEN {
        let _permit = gate.pass().await;
    }
    assert_eq!(gate.now().as_secs(), 3, "a further one each second");
    let waiting = tokio::spawn({
        let gate = Arc::clone(&gate);
        async move { passes(&gate, 20).await }
    });
    sleep(LONGEST_WAIT).await;
    assert!(!waiting.is_finished());
    gate.failed(&third, 1, &Failure { status: Some(404), ..broken });
    assert!(waiting.await.unwrap().last().unwrap().as_secs() <= LONGEST_WAIT.as_secs() + 3);
}

#[tokio::test(start_paused = true)]
async fn a_shut_gate_holds_everyone_and_opens_without_a_burst() {
    let gate = Arc::new(Gate::new(rate("1000/s")));
    let permit = gate.pass().await;
    let waiting = tokio::spawn({
        let gate = Arc::clone(&gate);
        async move { passes(&gate, 100).await }
    });
    tokio::task::yield_now().await;
    let retry_after = Duration::from_secs(5);
    for asked in [retry_after, retry_after - SECOND].into_iter().cycle().take(10) {
        assert_eq!(gate.refused(&permit, Some(rate("100/s")), Some(asked)), retry_after);
    }
    let times = waiting.await.unwrap();
    assert_eq!(times[0], retry_after);
    assert!((10..=12).contains(&busiest(&times, SECOND / 10)), "95 a second from the first on");
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_ends_the_task_does_not_hold_the_others() {
    let gate = Gate::new(rate("1000/s"));
    let permit = gate.pass().await;
    let asked = LONGEST_WAIT + SECOND;
    assert_eq!(gate.refused(&permit, None, Some(asked)), asked);
    let _permit = gate.pass().await;
    assert!(gate.now() < SECOND);
}

/// How a gateway counts.
#[derive(Debug, Clone, Copy)]
enum Counting {
    Fixed,
    Sliding,
    Bucket,
}

/// A gateway that lets so many requests a window through.
struct Gateway {
    limit: Rate,
    counting: Counting,
    admitted: Vec<Duration>,
    /// The time at which the bucket is full again.
    full: Duration,
}

impl Gateway {
    fn new(limit: Rate, counting: Counting) -> Self {
        Self { limit, counting, admitted: Vec::new(), full: Duration::ZERO }
    }

    fn admits(&mut self, now: Duration) -> bool {
        let (count, window) = (self.limit.count().get(), self.limit.window());
        let since = |moment| self.admitted.len() - self.admitted.partition_point(|time| *time < moment);
        let full = self.full.max(now) + window / count;
        let admits = match self.counting {
            Counting::Fixed => since(window * (now.as_secs() / window.as_secs()) as u32) < count as usize,
            Counting::Sliding => since(now.saturating_sub(window)) < count as usize,
            Counting::Bucket => full - now <= window,
        };
        if admits {
            self.admitted.push(now);
            self.full = full;
        }
        admits
    }
}

/// What a run against a gateway is made of.
#[derive(Debug, Clone, Copy)]
struct Load {
    rate: &'static str,
    limit: &'static str,
    counting: Counting,
    /// Whether a refusal names the limit.
    named: bool,
    /// Programs that share the limit.
    clients: usize,
    requests_each: usize,
    slots: usize,
    latency: Duration,
}

impl Load {
    /// The time that it takes, in seconds, and the refusals.
    fn run(self) -> (f64, usize) {
        let (limit, half) = (rate(self.limit), self.latency / 2);
        let gateway = RefCell::new(Gateway::new(limit, self.counting));
        paused(async {
            let start = Instant::now();
            let refused = Cell::new(0);
            let clients = (0..self.clients).map(|_| async {
                let gate = Gate::new(rate(self.rate));
                let left = Cell::new(self.requests_each);
                let slots = (0..self.slots).map(|_| async {
                    while left.get() > 0 {
                        left.set(left.get() - 1);
                        let permit = gate.pass().await;
                        sleep(half).await;
                        let admits = gateway.borrow_mut().admits(start.elapsed());
                        sleep(half).await;
                        if admits {
                            gate.admitted(&permit);
                        } else {
                            refused.set(refused.get() + 1);
                            left.set(left.get() + 1);
                            sleep(gate.refused(&permit, self.named.then_some(limit), None)).await;
                        }
                    }
                });
                join_all(slots).await;
            });
            join_all(clients).await;
            (start.elapsed().as_secs_f64(), refused.get())
        })
    }
}

fn load() -> impl Strategy<Value = Load> {
    let counting = prop::sample::select(vec![Counting::Fixed, Counting::Sliding, Counting::Bucket]);
    (counting, 8_usize..=64, 1_u64..150).prop_map(|(counting, slots, latency)| Load {
        rate: "500/s",
        limit: "50/s",
        counting,
        named: true,
        clients: 1,
        requests_each: 400,
        slots,
        latency: Duration::from_millis(latency),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn ten_times_too_fast_costs_little(load in load()) {
        let (took, refused) = load.run();
        prop_assert!(refused <= 120, "{refused} refusals");
        // Few slots and a slow server are slow by themselves.
        let ideal = f64::max(8.0, 400.0 * load.latency.as_secs_f64() / load.slots as f64);
        prop_assert!(took <= 1.6 * ideal, "{took} s");
    }

    #[test]
    fn a_limit_by_the_minute_is_learnt_too(load in load()) {
        let (took, refused) =
            Load { rate: "10/s", limit: "60/m", requests_each: 300, ..load }.run();
        prop_assert!(refused <= 40, "{refused} refusals");
        prop_assert!(took <= 1.3 * 300.0, "{took} s");
    }

    #[test]
    fn a_limit_that_is_not_named_is_found(load in load()) {
        let (took, refused) = Load { named: false, requests_each: 2000, ..load }.run();
        prop_assert!(refused <= 700, "{refused} refusals");
        prop_assert!(took <= 1.6 * 40.0, "{took} s");
    }

    #[test]
    fn a_limit_that_is_shared_is_found(load in load()) {
        let (took, refused) = Load { clients: 3, requests_each: 1000, ..load }.run();
        prop_assert!(refused <= 900, "{refused} refusals");
        prop_assert!(took <= 1.6 * 60.0, "{took} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_further_run_is_told_where_to_begin() {
    let gate = Gate::new(rate("500/s"));
    assert_eq!((gate.learnt(), gate.take_slowed()), (None, None));
    let permit = gate.pass().await;
    let _wait = gate.refused(&permit, Some(rate("50/s")), None);
    assert_eq!(gate.learnt(), None, "it may be chance");
    for _ in 0..10 {
        let _wait = gate.refused(&permit, Some(rate("50/s")), None);
    }
    assert_eq!(gate.learnt(), Some(rate("47/s")));
    assert!(gate.take_slowed().is_some());
    assert_eq!(gate.take_slowed(), None);
}

fn no_connection() -> Failure {
    Failure::new(FailureKind::ConnectionRefused, "connection refused".to_owned())
}

/// 600 tasks at 100 a second from 16 slots, and an outage from the second second on; gives the time
/// that it took after the outage, in seconds, and how many requests found no service.
fn through_an_outage(outage: Duration) -> (f64, usize) {
    paused(async {
        let (gate, left, missed) = (Gate::new(rate("100/s")), Cell::new(600_usize), Cell::new(0));
        let (begins, ends) = (SECOND * 2, SECOND * 2 + outage);
        let slots = (0..16).map(|_| async {
            while left.get() > 0 {
                left.set(left.get() - 1);
                let permit = gate.pass().await;
                let is_there = !(begins..ends).contains(&gate.now());
                sleep(Duration::from_millis(5)).await;
                if is_there {
                    gate.admitted(&permit);
                } else {
                    missed.set(missed.get() + 1);
                    left.set(left.get() + 1);
                    // Nobody waits for himself: it is the gate that holds everybody.
                    let _ = gate.failed(&permit, 1, &no_connection());
                }
            }
        });
        join_all(slots).await;
        ((gate.now() - ends).as_secs_f64(), missed.get())
    })
}

#[test]
fn an_outage_is_waited_out_with_a_request_now_and_then() {
    for (outage, most) in [(1, 20), (60, 30), (1800, 180)] {
        let (after, missed) = through_an_outage(SECOND * outage);
        assert!((4..=most).contains(&missed), "{missed} requests in {outage} s");
        // 4 s are left of the work, and the last pause.
        assert!(after <= 4.5 + 30.0, "{after} s after {outage} s");
    }
}

#[test]
fn connections_that_fail_now_and_then_slow_nobody() {
    let took = paused(async {
        let gate = Gate::new(rate("100/s"));
        for n in 0..1000 {
            let permit = gate.pass().await;
            if n % 3 == 2 {
                let _ = gate.failed(&permit, 1, &no_connection());
            } else {
                gate.admitted(&permit);
            }
        }
        gate.now()
    });
    assert!(took.as_secs_f64() <= 10.1, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_was_never_reached_is_out_of_reach_in_the_end() {
    let gate = Gate::new(rate("100/s"));
    let most = NonZeroU32::new(12).unwrap();
    let mut missed = 0;
    loop {
        missed += 1;
        let permit = gate.pass().await;
        let _ = gate.failed(&permit, missed, &no_connection());
        if gate.is_out_of_reach(&no_connection(), most) {
            break;
        }
    }
    assert_eq!(missed, 12);
    assert!((70..=155).contains(&gate.now().as_secs()), "{:?}", gate.now());
    let lasting = Failure::new(FailureKind::HostUnknown, "no such host".to_owned());
    let first = Gate::new(rate("100/s"));
    let _ = first.failed(&first.pass().await, 1, &lasting);
    assert!(first.is_out_of_reach(&lasting, most) && !first.is_out_of_reach(&no_connection(), most));
    first.admitted(&first.pass().await);
    let _ = first.failed(&first.pass().await, 1, &lasting);
    assert!(!first.is_out_of_reach(&lasting, NonZeroU32::MIN), "it was there before");
}

/// A service that refuses a few requests whatever the rate: slower is no better.
#[test]
fn refusals_by_chance_slow_little() {
    for (base, limit) in [("10/s", None), ("500/s", None), ("10/s", Some("1000/s")), ("500/s", Some("60/m"))]
    {
        let took = paused(async {
            let (gate, left) = (Gate::new(rate(base)), Cell::new(2000));
            let random = RefCell::new(fastrand::Rng::with_seed(7));
            let slots = (0..16).map(|_| async {
                while left.get() > 0 {
                    left.set(left.get() - 1);
                    let permit = gate.pass().await;
                    sleep(Duration::from_millis(20)).await;
                    if random.borrow_mut().u32(0..100) < 5 {
                        left.set(left.get() + 1);
                        sleep(gate.refused(&permit, limit.map(rate), None)).await;
                    } else {
                        gate.admitted(&permit);
                    }
                }
            });
            join_all(slots).await;
            gate.now().as_secs_f64()
        });
        let ideal = 2000.0 / rate(base).per_second();
        assert!(took <= 1.1 * ideal, "{base}, {limit:?}: {took} s");
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_alone_outlasts_a_minute_of_refusals() {
    let refusal = Failure { status: Some(429), ..Failure::new(FailureKind::Status, "HTTP 429".to_owned()) };
    let gate = Gate::new(rate("10/s"));
    let mut attempts = 0;
    while gate.now() < Duration::from_secs(60) {
        let permit = gate.pass().await;
        attempts += 1;
        sleep(gate.failed(&permit, attempts, &refusal)).await;
    }
    assert!(attempts < 12, "{attempts} attempts");
}
