use gateway_core::{Implantation, PortState};

use super::*;
use crate::mirror::Builder;
use crate::ozmap::{LoadStats, NetworkRecord};

const HERE: (f64, f64) = (-27.5956, -48.5024);

fn id(number: usize) -> RecordId {
    RecordId::new(&format!("{number:024x}")).expect("an identifier")
}

/// A splitter on each number, ten metres farther than the one before; ports by `state`.
fn street(length: usize, state: impl Fn(usize) -> Vec<PortState>) -> Network {
    let mut builder = Builder::default();
    for number in 0..length {
        let site = id(1_000 + number);
        builder.add(NetworkRecord::Splitter(splitter(number, state(number))));
        builder.add(NetworkRecord::Site(gateway_core::Site {
            id: site,
            kind: if number.is_multiple_of(2) { SiteKind::Cto } else { SiteKind::Condominium },
            name: "".into(),
            address: None,
            coordinate: Coordinate::new(HERE.0 + number as f64 * 9e-5, HERE.1),
            implantation: Implantation::Implanted,
            is_draft: false,
            project: None,
        }));
    }
    builder.build(Timestamp::UNIX_EPOCH, LoadStats::default())
}

fn splitter(number: usize, ports: Vec<PortState>) -> Splitter {
    Splitter {
        id: id(number),
        name: "".into(),
        site: Some(id(1_000 + number)),
        ratio: None,
        is_drop: true,
        ports,
    }
}

fn query(limit: usize) -> NearbySearch {
    let at = Coordinate::new(HERE.0, HERE.1).expect("on earth");
    NearbySearch { at, radius_m: 5_000.0, limit, kind: None, offer: Offer::WithFreePort }
}

fn free(_: usize) -> Vec<PortState> {
    vec![PortState::Free]
}

fn full() -> Vec<PortState> {
    vec![PortState::Taken]
}

fn ids(answer: &NearbyAnswer<'_>) -> Vec<RecordId> {
    answer.splitters.iter().map(|found| found.splitter.id().clone()).collect()
}

fn numbers(of: impl IntoIterator<Item = usize>) -> Vec<RecordId> {
    of.into_iter().map(id).collect()
}

/// Asks until nothing is left to ask; `ozmap` says what it holds.
fn asked(
    network: &Network,
    query: &NearbySearch,
    ozmap: impl Fn(&RecordId) -> Option<Splitter>,
) -> (Checked, usize) {
    let (mut checked, mut rounds) = (Checked::default(), 0);
    loop {
        let ids = checked.to_check(network, query);
        if ids.is_empty() {
            return (checked, rounds);
        }
        rounds += 1;
        let held = ids.iter().filter_map(&ozmap).collect();
        checked.note(ids, held, Timestamp::MAX);
    }
}

#[test]
fn without_ozmap_the_mirror_answers() {
    let network = street(30, free);
    let answer = Checked::default().answer(&network, &query(3));
    assert_eq!(ids(&answer), numbers(0..3));
    assert_eq!((answer.verified, answer.as_of), (false, Timestamp::UNIX_EPOCH));
}

#[test]
fn one_call_confirms_what_has_not_changed() {
    let network = street(30, free);
    let (checked, rounds) =
        asked(&network, &query(10), |id| Some(Splitter { id: id.clone(), ..splitter(0, free(0)) }));
    let answer = checked.answer(&network, &query(10));
    assert_eq!((ids(&answer), rounds), (numbers(0..10), 1));
    assert_eq!((answer.verified, answer.as_of), (true, Timestamp::MAX));
}

#[test]
fn what_is_full_or_gone_by_now_is_replaced_by_the_next() {
    let network = street(60, free);
    let ozmap = |asked: &RecordId| {
        let number = (0..60).find(|number| id(*number) == *asked)?;
        let ports = if number < 20 { full() } else { free(number) };
        (number != 25).then(|| splitter(number, ports))
    };
    let (checked, rounds) = asked(&network, &query(10), ozmap);
    let answer = checked.answer(&network, &query(10));
    assert_eq!(ids(&answer), numbers((20..31).filter(|n| *n != 25)));
    assert!(answer.verified && rounds <= ROUNDS, "{rounds}");
    let everything = NearbySearch { offer: Offer::All, ..query(10) };
    let (checked, rounds) = asked(&network, &everything, ozmap);
    assert_eq!((ids(&checked.answer(&network, &everything)), rounds), (numbers(0..10), 1));
}

#[test]
fn a_port_that_became_free_is_noticed() {
    let network = street(10, |number| if number == 1 { full() } else { free(number) });
    let (checked, rounds) =
        asked(&network, &query(3), |id| Some(Splitter { id: id.clone(), ..splitter(0, free(0)) }));
    assert_eq!((ids(&checked.answer(&network, &query(3))), rounds), (numbers([0, 1, 2]), 1));
}

#[test]
fn a_splitter_that_serves_no_clients_any_more_is_not_offered() {
    let network = street(3, free);
    let ozmap = |id: &RecordId| Some(Splitter { id: id.clone(), is_drop: false, ..splitter(0, free(0)) });
    let everything = NearbySearch { offer: Offer::All, ..query(3) };
    let (checked, _) = asked(&network, &everything, ozmap);
    let answer = checked.answer(&network, &everything);
    assert_eq!((answer.splitters.len(), answer.verified), (0, true));
}

#[test]
fn a_kind_and_a_radius_narrow_the_answer() {
    let network = street(30, free);
    let towers = NearbySearch { kind: Some(SiteKind::Condominium), ..query(3) };
    assert_eq!(ids(&Checked::default().answer(&network, &towers)), numbers([1, 3, 5]));
    let near = NearbySearch { radius_m: 35.0, ..query(20) };
    assert_eq!(ids(&Checked::default().answer(&network, &near)), numbers(0..4));
}

#[test]
fn equally_far_splitters_come_by_identifier() {
    let mut builder = Builder::default();
    for number in [5, 3, 9, 1] {
        builder.add(NetworkRecord::Splitter(splitter(number, free(0))));
        let coordinate = Coordinate::new(HERE.0 + 0.001, HERE.1);
        let (kind, implantation) = (SiteKind::Cto, Implantation::Implanted);
        let (name, address) = ("".into(), None);
        let site = gateway_core::Site {
            id: id(1_000 + number),
            kind,
            name,
            address,
            coordinate,
            implantation,
            is_draft: false,
            project: None,
        };
        builder.add(NetworkRecord::Site(site));
    }
    let network = builder.build(Timestamp::UNIX_EPOCH, LoadStats::default());
    assert_eq!(ids(&Checked::default().answer(&network, &query(3))), numbers([1, 3, 5]));
    assert_eq!(ids(&Checked::default().answer(&network, &query(1))), numbers([1]));
}

#[test]
fn no_call_asks_for_more_than_ozmap_can_be_asked() {
    let network = street(400, free);
    assert_eq!(Checked::default().to_check(&network, &query(200)).len(), MOST_LOOKED_UP);
    let crowded = street(400, |_| full());
    let everything = NearbySearch { offer: Offer::All, ..query(200) };
    assert_eq!(Checked::default().to_check(&crowded, &everything).len(), MOST_LOOKED_UP);
    assert!(Checked::default().to_check(&crowded, &query(200)).is_empty(), "nothing is offered");
}
