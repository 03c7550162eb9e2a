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

/// The times at which `n` waiting tasks get a permit, in order.
async fn permit_times(gate: &Arc<Gate>, n: usize) -> Vec<Duration> {
    let waiters = (0..n).map(|_| {
        let gate = Arc::clone(gate);
        tokio::spawn(async move {
            let permit = gate.acquire().await;
            gate.record_success(&permit);
            gate.now()
        })
    });
    let waiters: Vec<_> = waiters.collect();
    join_all(waiters).await.into_iter().map(Result::unwrap).collect()
}

/// The times of the permits for some seconds, on a thread that is alternately idle and busy for these microseconds;
/// and the total busy time.
fn permit_times_on_busy_thread(
    per_second: u32,
    seconds: u32,
    busy: &[(u64, u64)],
) -> (Vec<Duration>, Duration) {
    paused(async {
        let gate = Arc::new(Gate::new(rate(&format!("{per_second}/s"))));
        let passing = tokio::spawn(async move { permit_times(&gate, (seconds * per_second) as usize).await });
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
    fn rate_is_kept_and_reached_in_fifo_order(per_second in 1_u32..5000, n in 1_usize..3000) {
        let gate = rate(&format!("{per_second}/s"));
        let times = paused(async { permit_times(&Arc::new(Gate::new(gate)), n).await });
        prop_assert!(times.is_sorted(), "first come, first served");
        prop_assert!(busiest(&times, SECOND) <= per_second as usize);
        let ideal = n as f64 / f64::from(per_second);
        // Timers are up to a millisecond late.
        prop_assert!(times.last().unwrap().as_secs_f64() <= ideal * 1.01 + 0.001);
    }

    /// The thread of the waiters is busy from time to time.
    #[test]
    fn busy_thread_never_exceeds_the_rate_in_any_second(
        per_second in 1_u32..2000,
        busy in prop::collection::vec((0_u64..100_000, 0_u64..100_000), 1..100),
    ) {
        let (times, stalled) = permit_times_on_busy_thread(per_second, 3, &busy);
        prop_assert!(times.is_sorted());
        prop_assert!(busiest(&times, SECOND) <= per_second as usize);
        prop_assert!(times.last().unwrap().as_secs_f64() <= 3.0 * 1.01 + stalled.as_secs_f64());
    }

    #[test]
    fn short_stall_is_caught_up(per_second in 10_u32..1000, at in 0_u64..9_500_000, stall in 0_u64..25_000) {
        let (times, _) = permit_times_on_busy_thread(per_second, 10, &[(at, stall)]);
        prop_assert!(busiest(&times, SECOND) <= per_second as usize);
        prop_assert!(times.last().unwrap().as_secs_f64() <= 10.0 * 1.01);
    }

    /// Unused permits, as with few slots and a slow server, do not accumulate.
    #[test]
    fn idle_gate_allows_no_burst(
        per_second in 1_u32..1000,
        asking in prop::collection::vec((0_u64..2000, 1_usize..300), 1..8),
    ) {
        let gate = rate(&format!("{per_second}/s"));
        let times = paused(async {
            let gate = Arc::new(Gate::new(gate));
            let mut times = Vec::new();
            for (pause, n) in asking {
                sleep(Duration::from_millis(pause)).await;
                times.extend(permit_times(&gate, n).await);
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
fn rate_of_60_per_minute_is_never_exceeded_in_any_minute() {
    let times = paused(async { permit_times(&Arc::new(Gate::new(rate("60/m"))), 200).await });
    assert_eq!(busiest(&times, Duration::from_secs(60)), 60);
    assert!(times.last().unwrap().as_secs_f64() <= 200.0 * 1.01);
}

#[tokio::test(start_paused = true)]
async fn second_request_waits_for_the_first_response() {
    let answered = Gate::new(rate("1000/s"));
    let first = answered.acquire().await;
    let second = async {
        let _permit = answered.acquire().await;
        answered.now()
    };
    let answer = async {
        sleep(WARMUP_DELAY / 2).await;
        answered.record_success(&first);
    };
    assert_eq!(futures::join!(second, answer).0, WARMUP_DELAY / 2);
}

/// An access key is locked after five refusals, and each of these requests may be refused.
#[tokio::test(start_paused = true)]
async fn few_requests_are_sent_before_credentials_are_confirmed() {
    let gate = Arc::new(Gate::new(rate("1000/s")));
    let broken = Failure::new(FailureKind::ConnectionLost, "connection reset".to_owned());
    let unavailable = Failure { status: Some(503), ..broken.clone() };
    let first = gate.acquire().await;
    gate.record_failure(&first, 1, &broken);
    let second = gate.acquire().await;
    gate.record_failure(&second, 1, &unavailable);
    assert!(gate.now() < SECOND, "a finished request makes room for the next");
    let third = gate.acquire().await;
    for _ in 1..WARMUP_MAX_IN_FLIGHT {
        let _permit = gate.acquire().await;
    }
    assert_eq!(gate.now().as_secs(), 3, "one more each second");
    let waiting = tokio::spawn({
        let gate = Arc::clone(&gate);
        async move { permit_times(&gate, 20).await }
    });
    sleep(MAX_WAIT).await;
    assert!(!waiting.is_finished());
    gate.record_failure(&third, 1, &Failure { status: Some(404), ..broken });
    assert!(waiting.await.unwrap().last().unwrap().as_secs() <= MAX_WAIT.as_secs() + 3);
}

#[tokio::test(start_paused = true)]
async fn closed_gate_delays_all_and_opens_without_a_burst() {
    let gate = Arc::new(Gate::new(rate("1000/s")));
    let permit = gate.acquire().await;
    let waiting = tokio::spawn({
        let gate = Arc::clone(&gate);
        async move { permit_times(&gate, 100).await }
    });
    tokio::task::yield_now().await;
    let retry_after = Duration::from_secs(5);
    for stated in [retry_after, retry_after - SECOND].into_iter().cycle().take(10) {
        assert_eq!(gate.record_rate_limit(&permit, Some(rate("100/s")), Some(stated)), retry_after);
    }
    let times = waiting.await.unwrap();
    assert_eq!(times[0], retry_after);
    assert!((10..=12).contains(&busiest(&times, SECOND / 10)), "95 a second from the first on");
}

#[tokio::test(start_paused = true)]
async fn too_long_retry_after_does_not_delay_other_tasks() {
    let gate = Gate::new(rate("1000/s"));
    let permit = gate.acquire().await;
    let retry_after = MAX_WAIT + SECOND;
    assert_eq!(gate.record_rate_limit(&permit, None, Some(retry_after)), retry_after);
    let _permit = gate.acquire().await;
    assert!(gate.now() < SECOND);
}

/// How a gateway counts requests.
#[derive(Debug, Clone, Copy)]
enum Counting {
    Fixed,
    Sliding,
    Bucket,
}

/// A gateway with a limit per window.
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

/// A run against a gateway.
#[derive(Debug, Clone, Copy)]
struct Load {
    rate: &'static str,
    limit: &'static str,
    counting: Counting,
    /// Whether a refusal states the limit.
    named: bool,
    /// Programs that share the limit.
    clients: usize,
    requests_each: usize,
    slots: usize,
    latency: Duration,
}

impl Load {
    /// Its duration in seconds, and the number of refusals.
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
                        let permit = gate.acquire().await;
                        sleep(half).await;
                        let admits = gateway.borrow_mut().admits(start.elapsed());
                        sleep(half).await;
                        if admits {
                            gate.record_success(&permit);
                        } else {
                            refused.set(refused.get() + 1);
                            left.set(left.get() + 1);
                            sleep(gate.record_rate_limit(&permit, self.named.then_some(limit), None)).await;
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
    fn rate_ten_times_the_limit_costs_little_time(load in load()) {
        let (took, refused) = load.run();
        prop_assert!(refused <= 120, "{refused} refusals");
        // Few slots and a slow server bound the speed too.
        let ideal = f64::max(8.0, 400.0 * load.latency.as_secs_f64() / load.slots as f64);
        prop_assert!(took <= 1.6 * ideal, "{took} s");
    }

    #[test]
    fn limit_per_minute_is_learned(load in load()) {
        let (took, refused) =
            Load { rate: "10/s", limit: "60/m", requests_each: 300, ..load }.run();
        prop_assert!(refused <= 40, "{refused} refusals");
        prop_assert!(took <= 1.3 * 300.0, "{took} s");
    }

    #[test]
    fn unstated_limit_is_learned(load in load()) {
        let (took, refused) = Load { named: false, requests_each: 2000, ..load }.run();
        prop_assert!(refused <= 700, "{refused} refusals");
        prop_assert!(took <= 1.6 * 40.0, "{took} s");
    }

    #[test]
    fn shared_limit_is_learned(load in load()) {
        let (took, refused) = Load { clients: 3, requests_each: 1000, ..load }.run();
        prop_assert!(refused <= 900, "{refused} refusals");
        prop_assert!(took <= 1.6 * 60.0, "{took} s");
    }
}

#[tokio::test(start_paused = true)]
async fn learned_rate_is_reported_after_repeated_refusals() {
    let gate = Gate::new(rate("500/s"));
    assert_eq!((gate.learned_rate(), gate.take_slowed()), (None, None));
    let permit = gate.acquire().await;
    let _wait = gate.record_rate_limit(&permit, Some(rate("50/s")), None);
    assert_eq!(gate.learned_rate(), None, "a single refusal does not count");
    for _ in 0..10 {
        let _wait = gate.record_rate_limit(&permit, Some(rate("50/s")), None);
    }
    assert_eq!(gate.learned_rate(), Some(rate("47/s")));
    assert!(gate.take_slowed().is_some());
    assert_eq!(gate.take_slowed(), None);
}

fn no_connection() -> Failure {
    Failure::new(FailureKind::ConnectionRefused, "connection refused".to_owned())
}

/// 600 tasks at 100/s from 16 slots, with an outage after 2 s. Returns the time needed after the outage in seconds,
/// and the number of connection failures.
fn through_an_outage(outage: Duration) -> (f64, usize) {
    paused(async {
        let (gate, left, failures) = (Gate::new(rate("100/s")), Cell::new(600_usize), Cell::new(0));
        let (begins, ends) = (SECOND * 2, SECOND * 2 + outage);
        let slots = (0..16).map(|_| async {
            while left.get() > 0 {
                left.set(left.get() - 1);
                let permit = gate.acquire().await;
                let is_there = !(begins..ends).contains(&gate.now());
                sleep(Duration::from_millis(5)).await;
                if is_there {
                    gate.record_success(&permit);
                } else {
                    failures.set(failures.get() + 1);
                    left.set(left.get() + 1);
                    // The task does not wait: the gate delays all requests.
                    let _ = gate.record_failure(&permit, 1, &no_connection());
                }
            }
        });
        join_all(slots).await;
        ((gate.now() - ends).as_secs_f64(), failures.get())
    })
}

#[test]
fn outage_is_survived_with_few_requests() {
    for (outage, most) in [(1, 20), (60, 30), (1800, 180)] {
        let (after, failures) = through_an_outage(SECOND * outage);
        assert!((4..=most).contains(&failures), "{failures} requests in {outage} s");
        // The rest of the work takes 4 s, plus the last pause.
        assert!(after <= 4.5 + 30.0, "{after} s after {outage} s");
    }
}

#[test]
fn occasional_connect_failures_do_not_slow_the_gate() {
    let took = paused(async {
        let gate = Gate::new(rate("100/s"));
        for n in 0..1000 {
            let permit = gate.acquire().await;
            if n % 3 == 2 {
                let _ = gate.record_failure(&permit, 1, &no_connection());
            } else {
                gate.record_success(&permit);
            }
        }
        gate.now()
    });
    assert!(took.as_secs_f64() <= 10.1, "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn service_never_reached_becomes_unreachable() {
    let gate = Gate::new(rate("100/s"));
    let most = NonZeroU32::new(12).unwrap();
    let mut failures = 0;
    loop {
        failures += 1;
        let permit = gate.acquire().await;
        let _ = gate.record_failure(&permit, failures, &no_connection());
        if gate.is_unreachable(&no_connection(), most) {
            break;
        }
    }
    assert_eq!(failures, 12);
    assert!((70..=155).contains(&gate.now().as_secs()), "{:?}", gate.now());
    let lasting = Failure::new(FailureKind::HostUnknown, "no such host".to_owned());
    let first = Gate::new(rate("100/s"));
    let _ = first.record_failure(&first.acquire().await, 1, &lasting);
    assert!(first.is_unreachable(&lasting, most) && !first.is_unreachable(&no_connection(), most));
    first.record_success(&first.acquire().await);
    let _ = first.record_failure(&first.acquire().await, 1, &lasting);
    assert!(!first.is_unreachable(&lasting, NonZeroU32::MIN), "it was reached before");
}

/// A service that refuses a few requests at any rate.
#[test]
fn random_refusals_slow_little() {
    for (base, limit) in [("10/s", None), ("500/s", None), ("10/s", Some("1000/s")), ("500/s", Some("60/m"))]
    {
        let took = paused(async {
            let (gate, left) = (Gate::new(rate(base)), Cell::new(2000));
            let random = RefCell::new(fastrand::Rng::with_seed(7));
            let slots = (0..16).map(|_| async {
                while left.get() > 0 {
                    left.set(left.get() - 1);
                    let permit = gate.acquire().await;
                    sleep(Duration::from_millis(20)).await;
                    if random.borrow_mut().u32(0..100) < 5 {
                        left.set(left.get() + 1);
                        sleep(gate.record_rate_limit(&permit, limit.map(rate), None)).await;
                    } else {
                        gate.record_success(&permit);
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
async fn single_task_survives_a_minute_of_refusals() {
    let refusal = Failure { status: Some(429), ..Failure::new(FailureKind::Status, "HTTP 429".to_owned()) };
    let gate = Gate::new(rate("10/s"));
    let mut attempts = 0;
    while gate.now() < Duration::from_secs(60) {
        let permit = gate.acquire().await;
        attempts += 1;
        sleep(gate.record_failure(&permit, attempts, &refusal)).await;
    }
    assert!(attempts < 12, "{attempts} attempts");
}
