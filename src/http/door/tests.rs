use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::connections::ConnectionPlace;
use super::*;

fn address(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// 127.… is this machine, 10.… is a proxy, 198.51.100.… is admitted.
fn connections(most: usize, of_one_address: usize) -> (Arc<Connections>, Arc<Told>) {
    let standing: StandingOf = Arc::new(|address| match address.to_string() {
        text if text.starts_with("127.") => Standing::Local,
        text if text.starts_with("10.") => Standing::Proxy,
        text if text.starts_with("198.51.100.") => Standing::Admitted,
        _ => Standing::Stranger,
    });
    let told = Arc::new(Told::default());
    (Arc::new(Connections::new(Room { most, of_one_address }, standing, Arc::clone(&told))), told)
}

fn places(
    connections: &Arc<Connections>,
    addresses: impl IntoIterator<Item = String>,
) -> Vec<Arc<ConnectionPlace>> {
    let admitted = |text: String| connections.admitted(address(&text)).map(Arc::new);
    addresses.into_iter().filter_map(admitted).collect()
}

fn many(address: &str, count: usize) -> Vec<String> {
    vec![address.to_owned(); count]
}

fn is_closed(place: &ConnectionPlace) -> bool {
    place.close().is_cancelled()
}

#[tokio::test(start_paused = true)]
async fn a_thousand_silent_connections_of_one_machine_leave_a_place_for_its_probe() {
    let (connections, _) = connections(64, 256);
    let silent = places(&connections, many("127.0.0.1", 1_100));
    assert_eq!((silent.len(), connections.len()), (1_100, 64));
    assert!(is_closed(&silent[0]) && !is_closed(&silent[1_099]));
    let probe = connections.admitted(address("127.0.0.1")).expect("it makes room");
    assert!(!is_closed(&probe));
}

#[tokio::test(start_paused = true)]
async fn one_address_has_its_share_and_then_makes_room_for_itself_alone() {
    let (connections, _) = connections(64, 5);
    let other = places(&connections, many("198.51.100.2", 1));
    tokio::time::advance(Duration::from_secs(1)).await;
    let own = places(&connections, many("198.51.100.1", 8));
    let closed: Vec<bool> = own.iter().map(|place| is_closed(place)).collect();
    assert_eq!(closed, [true, true, true, false, false, false, false, false]);
    assert!(!is_closed(&other[0]), "the older one of somebody else stays");
}

#[tokio::test(start_paused = true)]
async fn who_is_at_work_is_never_closed_and_the_new_one_is_refused_instead() {
    let (connections, told) = connections(64, 5);
    let own = places(&connections, many("198.51.100.1", 5));
    let work: Vec<_> = own.iter().map(|place| place.at_work()).collect();
    assert!(connections.admitted(address("198.51.100.1")).is_none());
    assert!(connections.admitted(address("198.51.100.1")).is_none());
    assert_eq!(told.unsaid(), (1, 0, 0), "the first was logged; the other waits until a second is over");
    drop(work);
    assert!(connections.admitted(address("198.51.100.1")).is_some());
    assert!(own.iter().any(|place| is_closed(place)));
}

#[tokio::test(start_paused = true)]
async fn strangers_have_half_of_the_room_and_leave_first() {
    let (connections, _) = connections(64, 256);
    let strangers = places(&connections, (0..40).map(|i| format!("203.0.113.{i}")));
    assert_eq!(strangers.iter().filter(|place| !is_closed(place)).count(), 32);
    tokio::time::advance(Duration::from_secs(1)).await;
    let admitted = places(&connections, (0..30).map(|i| format!("198.51.100.{i}")));
    assert!(!admitted.iter().any(|place| is_closed(place)), "those of strangers are closed for them");
    let proxied = places(&connections, many("10.0.0.1", 200));
    assert_eq!(proxied.len(), 200, "a proxy has no share of its own");
    assert!(strangers.iter().all(|place| is_closed(place)));
}

#[tokio::test(start_paused = true)]
async fn some_places_are_kept_for_this_machine() {
    let (connections, _) = connections(64, 256);
    let busy = places(&connections, many("10.0.0.1", 60));
    let _work: Vec<_> = busy.iter().map(|place| place.at_work()).collect();
    assert!(connections.admitted(address("10.0.0.1")).is_none());
    assert!(connections.admitted(address("198.51.100.1")).is_none());
    let local = places(&connections, many("127.0.0.1", 4));
    assert_eq!(local.len(), 4);
    drop(local);
    assert_eq!(connections.len(), 60, "a place that is left is free again");
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_request_ends_after_a_minute_and_one_at_work_does_not() {
    let (connections, _) = connections(64, 256);
    let place = places(&connections, many("127.0.0.1", 1)).remove(0);
    let (stream, _other) = tokio::io::duplex(64);
    let mut guarded = Guarded::new(stream, Arc::clone(&place));
    let work = place.at_work();
    let mut byte = [0];
    let waited = tokio::time::timeout(Duration::from_secs(300), guarded.read(&mut byte)).await;
    assert!(waited.is_err(), "it is at work");
    drop(work);
    let begun = tokio::time::Instant::now();
    let error = guarded.read(&mut byte).await.expect_err("it ends");
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    assert!(begun.elapsed() >= Duration::from_secs(59), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn who_takes_nothing_of_its_answer_is_given_up() {
    let (connections, _) = connections(64, 256);
    let place = places(&connections, many("127.0.0.1", 1)).remove(0);
    let (stream, _other) = tokio::io::duplex(4);
    let mut guarded = Guarded::new(stream, place);
    let error = guarded.write_all(b"more than four").await.expect_err("nobody reads");
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_waits_hears_at_once_that_it_has_to_go() {
    let (connections, _) = connections(64, 256);
    let place = places(&connections, many("127.0.0.1", 1)).remove(0);
    let (stream, _other) = tokio::io::duplex(4);
    let mut guarded = Guarded::new(stream, Arc::clone(&place));
    let mut byte = [0];
    let mut read = Box::pin(guarded.read(&mut byte));
    assert!(futures::poll!(&mut read).is_pending());
    place.close().cancel();
    assert_eq!(read.await.expect_err("it ends").kind(), io::ErrorKind::ConnectionAborted);
}
