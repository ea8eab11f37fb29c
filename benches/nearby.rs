//! Splitters nearby at the size of a very large ISP: the index beside a look at every splitter, and what the mirror costs.
//!
//! `cargo bench --bench nearby [-- SPLITTERS]`; default 1,000,000. With `NEARBY_OUT=folder` the splitters and the places that
//! are asked for are written there as CSV, for `benches/postgis.sh`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use gateway_core::{Coordinate, Implantation, PortState, Ratio, RecordId, Site, SiteKind, Splitter};
use gateway_sandbox::{Options, Sandbox};
use int6_ozmap_gateway::mirror::{self, Builder, Mirror, MirrorDeps, Network};
use int6_ozmap_gateway::ozmap::{LoadStats, NetworkRecord, Ozmap};
use int6_ozmap_gateway::provisioning::nearby::{Checked, NearbySearch, Offer};
use int6_ozmap_gateway::store::Store;
use int6_ozmap_gateway::upstream::{HostSettings, Upstream};
use jiff::Timestamp;
use peak_alloc::PeakAlloc;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio_util::sync::CancellationToken;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const TOWNS: usize = 300;
const QUESTIONS: usize = 5_000;
const SCANS: usize = 50;
const RADIUS_M: f64 = 300.0;
const LIMIT: usize = 20;

fn main() {
    let splitters = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(1_000_000);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let begun = Instant::now();
    let mut builder = Builder::default();
    let mut rng = StdRng::seed_from_u64(1);
    pieces(splitters, &mut rng, |record| builder.add(record));
    let added = begun.elapsed();
    let network = builder.build(Timestamp::UNIX_EPOCH, LoadStats::default());
    let built = begun.elapsed() - added;
    let (held, peak) = (MEMORY.current_usage() - before, MEMORY.peak_usage() - before);
    let stats = network.stats();
    println!("{} splitters in {} sites", stats.splitters, stats.sites);
    println!("made up and added   {added:>10.2?}");
    println!("joined and indexed  {built:>10.2?}");
    println!(
        "memory held         {:>10.1} MB, {:.0} bytes a splitter, all in",
        mega(held),
        held as f64 / splitters as f64
    );
    println!("peak while built    {:>10.1} MB", mega(peak));

    let places = places(&network, &mut rng);
    questions(&network, &places);
    if let Ok(folder) = std::env::var("NEARBY_OUT") {
        write(Path::new(&folder), &network, &places).expect("the folder can be written");
        println!("written to {folder}");
    }
    drop(network);
    over_http();
}

fn mega(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

/// Towns of Gaussian density; one site in twenty is a condominium with four splitters, one splitter in ten is full.
fn pieces(splitters: usize, rng: &mut StdRng, mut take: impl FnMut(NetworkRecord)) {
    let towns: Vec<(f64, f64)> =
        (0..TOWNS).map(|_| (rng.random_range(-33.0..-3.0), rng.random_range(-30.0..-20.0))).collect();
    let (mut made, mut site) = (0, 0);
    while made < splitters {
        let (lat, lng) = towns[rng.random_range(0..TOWNS)];
        // Four uniform numbers are as good as a bell.
        let mut bell = || (0..4).map(|_| rng.random_range(-0.03..0.03)).sum::<f64>();
        let (lat, lng) = (lat + bell(), lng + bell());
        let id = RecordId::new(&format!("5da61e1349{site:014x}")).expect("an identifier");
        let (kind, count) = if site % 20 == 0 { (SiteKind::Condominium, 4) } else { (SiteKind::Cto, 1) };
        for number in 0..count.min(splitters - made) {
            let full = rng.random_ratio(1, 10);
            let port = |_| if full || rng.random_ratio(6, 10) { PortState::Taken } else { PortState::Free };
            take(NetworkRecord::Splitter(Splitter {
                id: RecordId::new(&format!("5da61e1350{:014x}", made + number)).expect("an identifier"),
                name: format!("SPL {number} 1x8").into(),
                site: Some(id.clone()),
                ratio: Some(Ratio { input: 1, output: 8 }),
                is_drop: true,
                ports: (0..8).map(port).collect(),
            }));
        }
        take(NetworkRecord::Site(Site {
            id,
            kind,
            name: format!("CTO-{site:07}").into(),
            address: Some(format!("Rua das Orquídeas, {}, Jardim Miragem", site % 3_000).into()),
            coordinate: Coordinate::new(lat, lng),
            implantation: Implantation::Implanted,
            is_draft: false,
            project: None,
        }));
        (made, site) = (made + count, site + 1);
    }
}

/// Customers live where the network is: some 100 m from a site.
fn places(network: &Network, rng: &mut StdRng) -> Vec<Coordinate> {
    let sites: Vec<Coordinate> =
        network.sites_in_chunks(1_000).flatten().map(|site| site.coordinate()).collect();
    let near = |_| {
        let site = sites[rng.random_range(0..sites.len())];
        let (north, east) = (rng.random_range(-0.001..0.001), rng.random_range(-0.001..0.001));
        Coordinate::new(site.lat() + north, site.lng() + east).expect("on earth")
    };
    (0..QUESTIONS).map(near).collect()
}

fn questions(network: &Network, places: &[Coordinate]) {
    let query = |at: &Coordinate| NearbySearch {
        at: *at,
        radius_m: RADIUS_M,
        limit: LIMIT,
        kind: None,
        offer: Offer::WithFreePort,
    };
    let mut found = 0;
    let index = timed(places, |at| found += Checked::default().answer(network, &query(at)).splitters.len());
    println!(
        "\n{RADIUS_M} m, {LIMIT} splitters with a free port; {:.1} found on average",
        found as f64 / places.len() as f64
    );
    println!("{:<20} {:>12} {:>12} {:>12}", "a question", "mean", "median", "99 %");
    print("the index", &index);
    let scan_places = &places[..SCANS.min(places.len())];
    let scan = timed(scan_places, |at| {
        let answer = Checked::default().answer(network, &query(at));
        let by_index: Vec<&RecordId> = answer.splitters.iter().map(|found| found.splitter.id()).collect();
        assert_eq!(by_index, look_at_all(network, *at), "both ways find the same");
    });
    print("a look at all", &scan);
    println!("splitters found by the index for all places: {found}");
}

fn look_at_all(network: &Network, at: Coordinate) -> Vec<&RecordId> {
    let mut found: Vec<(f64, &RecordId)> = Vec::new();
    for site in network.sites_in_chunks(usize::MAX).flatten() {
        let distance = mirror::metres(at, site.coordinate());
        if distance <= RADIUS_M {
            let free = site.splitters().filter(|splitter| splitter.has_free_port());
            found.extend(free.map(|splitter| (distance, splitter.id())));
        }
    }
    found.sort_by(|(near, a), (far, b)| near.total_cmp(far).then_with(|| a.cmp(b)));
    found.into_iter().take(LIMIT).map(|(_, id)| id).collect()
}

fn timed(places: &[Coordinate], mut ask: impl FnMut(&Coordinate)) -> Vec<Duration> {
    let mut times: Vec<Duration> = places
        .iter()
        .map(|at| {
            let begun = Instant::now();
            ask(at);
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    times
}

fn print(name: &str, times: &[Duration]) {
    let mean = times.iter().sum::<Duration>() / times.len() as u32;
    let (median, most) = (times[times.len() / 2], times[times.len() * 99 / 100]);
    println!("{name:<20} {mean:>12.2?} {median:>12.2?} {most:>12.2?}");
}

fn write(folder: &Path, network: &Network, places: &[Coordinate]) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(folder.join("splitters.csv"))?);
    for site in network.sites_in_chunks(1_000).flatten() {
        for splitter in site.splitters() {
            let (id, free, at) = (splitter.id(), splitter.has_free_port(), site.coordinate());
            writeln!(out, "{id},{free},{},{}", at.lng(), at.lat())?;
        }
    }
    out.flush()?;
    let mut out = BufWriter::new(File::create(folder.join("places.csv"))?);
    for (number, at) in places.iter().enumerate() {
        writeln!(out, "{number},{},{}", at.lng(), at.lat())?;
    }
    out.flush()
}

/// A load from the pretend OZmap in this process, a save, and a warm start.
fn over_http() {
    rustls::crypto::ring::default_provider().install_default().expect("nothing else did");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let options = Options { clients: 200_000, messy: false, ..Options::default() };
        let sandbox = Sandbox::start(options).await.expect("loopback can be bound");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let url = format!("sqlite://{}", folder.path().join("gateway.db").display());
        let store = Store::open(&url).await.expect("a new database");
        let base = sandbox.ozmap_url().parse().expect("a URL");
        let host = Upstream::new(gateway_core::System::Ozmap, &HostSettings::new(base)).expect("a client");
        let ozmap = Ozmap::new(host, sandbox.ozmap_key().into(), 500);
        let mirror = |at_once| {
            let (ozmap, store, stop) = (ozmap.clone(), store.clone(), CancellationToken::new());
            Mirror::new(MirrorDeps { tenant: "bench".to_owned(), ozmap, store, at_once, stop })
        };
        println!("\nover HTTP from the sandbox in this process, 500 rows a page, saved to SQLite");
        for at_once in [1, 4] {
            sandbox.ozmap().calls().reset();
            let begun = Instant::now();
            let network = mirror(at_once).refresh().await.expect("a load");
            let (time, calls) = (begun.elapsed(), sandbox.ozmap().calls().counts().reads);
            let splitters = network.stats().splitters;
            println!(
                "{splitters} splitters loaded and saved in {time:.2?}: {calls} calls, {at_once} at a time"
            );
        }
        let (begun, warm) = (Instant::now(), mirror(1));
        warm.warm_up().await.expect("the database answers");
        println!(
            "{} splitters read back in {:.2?}",
            warm.network().map_or(0, |n| n.stats().splitters),
            begun.elapsed()
        );
    });
}
