use gateway_core::{Coordinate, Implantation, PortState, Ratio, RecordId, SiteKind};
use proptest::prelude::*;

use super::*;
use crate::ozmap::NetworkRecord;

fn id(kind: char, number: usize) -> RecordId {
    RecordId::new(&format!("{kind}{number:023x}")).expect("an identifier")
}

fn at(lat: f64, lng: f64) -> Coordinate {
    Coordinate::new(lat, lng).expect("on earth")
}

fn site(number: usize, at: Coordinate) -> gateway_core::Site {
    gateway_core::Site {
        id: id('b', number),
        kind: if number.is_multiple_of(3) { SiteKind::Condominium } else { SiteKind::Cto },
        name: format!("CTO {number}").into(),
        address: number.is_multiple_of(2).then(|| format!("Rua das Orquídeas, {number}, fundos").into()),
        coordinate: Some(at),
        implantation: Implantation::Implanted,
        is_draft: false,
        project: None,
    }
}

fn splitter(number: usize, site: usize, ports: Vec<PortState>) -> gateway_core::Splitter {
    gateway_core::Splitter {
        id: id('5', number),
        name: format!("Splitter {number}").into(),
        site: Some(id('b', site)),
        ratio: Some(Ratio { input: 1, output: 8 }),
        is_drop: true,
        ports,
    }
}

fn built(records: impl IntoIterator<Item = NetworkRecord>) -> Network {
    let mut builder = Builder::default();
    records.into_iter().for_each(|record| builder.add(record));
    builder.build(Timestamp::UNIX_EPOCH, LoadStats::default())
}

fn one_splitter_each(places: &[Coordinate]) -> Network {
    let sites = places.iter().enumerate().map(|(number, at)| NetworkRecord::Site(site(number, *at)));
    let splitter = |number| NetworkRecord::Splitter(splitter(number, number, vec![PortState::Free; 8]));
    built(sites.chain((0..places.len()).map(splitter)))
}

#[test]
fn an_empty_network_has_nothing_around() {
    let network = built([]);
    assert_eq!((network.stats(), network.around(at(0.0, 0.0), 5_000.0).count()), (MirrorStats::default(), 0));
}

#[test]
fn everything_about_a_splitter_is_kept() {
    let mut ports = vec![PortState::Taken; 130];
    for (index, state) in
        [(0, PortState::Free), (1, PortState::Blocked), (63, PortState::Free), (129, PortState::Free)]
    {
        ports[index] = state;
    }
    let network = built([
        NetworkRecord::Splitter(splitter(2, 4, vec![PortState::Taken; 8])),
        NetworkRecord::Splitter(splitter(1, 4, ports)),
        NetworkRecord::Site(site(4, at(-27.5956, -48.5024))),
    ]);
    let (distance, site) = network.around(at(-27.5956, -48.5024), 1.0).next().expect("it is there");
    assert_eq!((distance, site.id(), site.name(), site.kind()), (0.0, &id('b', 4), "CTO 4", SiteKind::Cto));
    assert_eq!(site.address(), Some("Rua das Orquídeas, 4, fundos"));
    assert_eq!((site.implantation(), site.coordinate()), (Implantation::Implanted, at(-27.5956, -48.5024)));
    let [first, second] = site.splitters().collect::<Vec<_>>()[..] else { panic!("two splitters") };
    assert_eq!((first.id(), first.name(), first.ports()), (&id('5', 1), "Splitter 1", 130));
    assert_eq!(first.free_ports().map(|port| port.get()).collect::<Vec<_>>(), [1, 64, 130]);
    assert_eq!(first.ratio(), Some(Ratio { input: 1, output: 8 }));
    assert_eq!((second.id(), second.has_free_port(), second.free_ports().count()), (&id('5', 2), false, 0));
}

#[test]
fn what_is_not_offered_is_counted() {
    let here = at(1.0, 2.0);
    let draft = gateway_core::Site { is_draft: true, ..site(1, here) };
    let nowhere = gateway_core::Site { coordinate: None, ..site(2, here) };
    let orphan = gateway_core::Splitter { site: None, ..splitter(9, 0, Vec::new()) };
    let mut records: Vec<NetworkRecord> =
        vec![draft, nowhere, site(3, here), site(4, here)].into_iter().map(NetworkRecord::Site).collect();
    let splitters = [(1, 1), (2, 1), (3, 2), (4, 7), (5, 3), (5, 3), (6, 3)];
    records
        .extend(splitters.map(|(number, site)| NetworkRecord::Splitter(splitter(number, site, Vec::new()))));
    records.push(NetworkRecord::Splitter(orphan));
    let expected = MirrorStats {
        sites: 1,
        splitters: 2,
        in_draft: 2,
        without_coordinate: 1,
        without_site: 2,
        ..MirrorStats::default()
    };
    assert_eq!(built(records).stats(), expected);
}

#[test]
fn the_antimeridian_and_the_poles_are_ordinary_places() {
    let fiji = one_splitter_each(&[at(-17.0, 179.999), at(-17.0, -179.999), at(-17.0, 179.9)]);
    let near: Vec<f64> = fiji.around(at(-17.0, -179.9995), 300.0).map(|(distance, _)| distance).collect();
    assert_eq!(near.len(), 2);
    assert!((near[0] - 53.2).abs() < 0.5 && (near[1] - 159.5).abs() < 0.5, "{near:?}");
    let pole = one_splitter_each(&[at(89.999, 0.0), at(89.999, 180.0), at(89.999, -90.0), at(-90.0, 0.0)]);
    assert_eq!(pole.around(at(90.0, 77.0), 120.0).count(), 3);
    assert_eq!(pole.around(at(89.999, 179.9), 1.0).count(), 1);
    assert_eq!(pole.around(at(-90.0, 123.0), 1.0).count(), 1);
}

#[test]
fn the_other_end_of_the_world_is_not_near() {
    assert_eq!(one_splitter_each(&[at(0.0, 180.0)]).around(at(0.0, 0.0), 5_000.0).count(), 0);
}

/// Latitudes and longitudes where mistakes live, and anywhere else.
fn anywhere() -> impl Strategy<Value = (f64, f64)> {
    let lat = prop_oneof![-90.0..=90.0, 89.9..=90.0, -90.0..=-89.9, Just(90.0), Just(-90.0), -27.7..-27.5];
    let lng =
        prop_oneof![-180.0..=180.0, 179.9..=180.0, -180.0..=-179.9, Just(180.0), Just(-180.0), -48.6..-48.4];
    (lat, lng)
}

/// A point some metres away, over the pole and the antimeridian if need be.
fn moved((lat, lng): (f64, f64), north: f64, east: f64) -> Coordinate {
    use geo::{Destination, Haversine, Point};
    let bearing = east.atan2(north).to_degrees();
    let there = Haversine.destination(Point::new(lng, lat), bearing, north.hypot(east));
    at(there.y().clamp(-90.0, 90.0), there.x().clamp(-180.0, 180.0))
}

/// The haversine formula written out, so that the search is not measured by its own rule.
fn by_formula(a: Coordinate, b: Coordinate) -> f64 {
    let (from, to) = (a.lat().to_radians(), b.lat().to_radians());
    let h = ((to - from) / 2.0).sin().powi(2)
        + from.cos() * to.cos() * ((b.lng() - a.lng()).to_radians() / 2.0).sin().powi(2);
    2.0 * 6_371_008.8 * h.sqrt().min(1.0).asin()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn a_search_finds_what_a_look_at_every_site_finds(
        centre in anywhere(),
        offsets in prop::collection::vec((-6_000.0..6_000.0, -6_000.0..6_000.0), 0..120),
        elsewhere in prop::collection::vec(anywhere(), 0..20),
        radius in 1.0..=5_000.0,
    ) {
        let places: Vec<Coordinate> = offsets.iter().map(|(north, east)| moved(centre, *north, *east))
            .chain(elsewhere.iter().map(|(lat, lng)| at(*lat, *lng))).collect();
        let centre = at(centre.0, centre.1);
        let network = one_splitter_each(&places);
        let found: Vec<(f64, RecordId)> =
            network.around(centre, radius).map(|(distance, site)| (distance, site.id().clone())).collect();
        prop_assert!(found.windows(2).all(|pair| pair[0].0 <= pair[1].0 + 1e-6), "the nearest first");
        for (number, place) in places.iter().enumerate() {
            let distance = by_formula(centre, *place);
            match found.iter().find(|(_, site)| *site == id('b', number)) {
                Some((measured, _)) => prop_assert!((measured - distance).abs() < 0.01, "{measured} {distance}"),
                None => prop_assert!(distance > radius - 0.01, "{distance} of {radius} was missed"),
            }
        }
    }

    #[test]
    fn what_is_saved_is_read_back(
        sites in prop::collection::vec((anywhere(), any::<bool>(), "\\PC{0,40}", prop::collection::vec(0u16..200, 1..4)), 0..40),
    ) {
        let mut records = Vec::new();
        for (number, ((lat, lng), implanted, name, splitters)) in sites.into_iter().enumerate() {
            for (nth, ports) in splitters.into_iter().enumerate() {
                let state = |port: u16| if port.is_multiple_of(3) { PortState::Free } else { PortState::Taken };
                let ports = (0..ports).map(state).collect();
                records.push(NetworkRecord::Splitter(splitter(number * 10 + nth, number, ports)));
            }
            let implantation = if implanted { Implantation::Implanted } else { Implantation::NotImplanted };
            records.push(NetworkRecord::Site(gateway_core::Site { name: name.into(), implantation, ..site(number, at(lat, lng)) }));
        }
        let network = built(records);
        let mut builder = Builder::default();
        let texts = |network: &Network| (0..saved::count(network)).map(|n| saved::chunk(network, n)).collect::<Vec<_>>();
        for chunk in texts(&network) {
            prop_assert!(saved::read(&chunk, &mut builder));
        }
        let again = builder.build(Timestamp::UNIX_EPOCH, LoadStats::default());
        prop_assert_eq!(again.stats(), network.stats());
        prop_assert_eq!(texts(&again), texts(&network));
    }
}

#[test]
fn a_saved_text_of_another_shape_is_not_read() {
    for text in [
        "",
        "{}",
        r#"[{"id":"b1"}]"#,
        r#"[{"id":"b1","kind":"tower","name":"","lat":0,"lng":0,"implanted":true,"splitters":[]}]"#,
    ] {
        assert!(!saved::read(text, &mut Builder::default()), "{text}");
    }
}
