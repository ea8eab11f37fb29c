//! Splitters nearby.

use axum::Json;
use gateway_core::{Coordinate, ErrorCode, Implantation, PortNumber, Ratio, SiteKind};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::extract::{Query, in_range};
use super::problem::Problem;
use super::responses::MirrorErrors;
use super::words::{OneOf, Word};
use crate::provisioning::nearby::{self, Found, Offer};

const LARGEST_RADIUS_M: f64 = 5_000.0;

type SiteKindFilter = OneOf<SiteKind>;

/// Where, and which splitters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct NearbyQuery {
    /// Latitude of the client, degrees north (WGS 84).
    #[param(value_type = f64, required = true, minimum = -90, maximum = 90, example = -27.5956)]
    lat: Option<String>,
    /// Longitude of the client, degrees east (WGS 84).
    #[param(value_type = f64, required = true, minimum = -180, maximum = 180, example = -48.5024)]
    lng: Option<String>,
    /// Metres around the client. Default 300.
    #[param(value_type = Option<f64>, minimum = 1, maximum = 5000)]
    radius_m: Option<String>,
    /// Splitters at most. Default 20.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// Only splitters in sites of this kind; both when absent.
    #[param(inline)]
    kind: Option<SiteKindFilter>,
    /// Whether splitters without a free port are given too. Default false.
    #[param(value_type = Option<bool>)]
    include_full: Option<String>,
}

/// Splitters, the nearest first; of equals the one with the lesser identifier.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "splitters": [{
        "id": "5da61e13493d9c0006665477", "name": "Splitter 1", "distance_m": 84.2, "ratio": {"input": 1, "output": 8},
        "site": {
            "kind": "cto", "id": "5da61e13493d9c0006665401", "name": "CTO 12", "address": null,
            "coordinate": {"lat": -27.5959, "lng": -48.5021}, "implanted": true,
        },
        "ports": {"total": 8, "free": [2, 5, 6]},
    }],
    "as_of": "2026-11-20T10:03:11.000Z", "verified": true,
}))]
pub(super) struct NearbySplitters {
    splitters: Vec<NearbySplitter>,
    /// When the ports were asked for, or else when the network was last loaded.
    as_of: String,
    /// Whether OZmap confirmed the ports of every splitter just now. False if OZmap could not be reached, or nothing is near
    /// enough to ask for.
    verified: bool,
}

/// A splitter that serves clients.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NearbySplitter {
    id: String,
    /// Empty if it has none.
    name: String,
    /// From the client to the site: haversine metres on a sphere of the earth's mean radius.
    distance_m: f64,
    /// Null if OZmap does not say.
    ratio: Option<SplitterRatio>,
    site: SplitterSite,
    ports: SplitterPorts,
}

/// Inputs and outputs.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SplitterRatio {
    input: u16,
    output: u16,
}

type SiteKindWord = Word<SiteKind>;

/// The CTO or the condominium that a splitter is in.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SplitterSite {
    kind: SiteKindWord,
    id: String,
    /// Empty if it has none.
    name: String,
    /// Null if OZmap has none.
    address: Option<String>,
    coordinate: Wgs84,
    /// Whether it is built.
    implanted: bool,
}

/// A place on earth, degrees.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Wgs84 {
    lat: f64,
    lng: f64,
}

/// Ports are counted from 1.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SplitterPorts {
    total: usize,
    /// To which a client may be connected, ascending.
    free: Vec<u16>,
}

impl From<Found<'_>> for NearbySplitter {
    fn from(Found { splitter, distance_m, ratio, ports, free }: Found<'_>) -> NearbySplitter {
        let site = splitter.site();
        NearbySplitter {
            id: splitter.id().to_string(),
            name: splitter.name().to_owned(),
            // A centimetre is finer than any map.
            distance_m: (distance_m * 100.0).round() / 100.0,
            ratio: ratio.map(|Ratio { input, output }| SplitterRatio { input, output }),
            site: SplitterSite {
                kind: site.kind().into(),
                id: site.id().to_string(),
                name: site.name().to_owned(),
                address: site.address().map(str::to_owned),
                coordinate: Wgs84 { lat: site.coordinate().lat(), lng: site.coordinate().lng() },
                implanted: site.implantation() == Implantation::Implanted,
            },
            ports: SplitterPorts { total: ports, free: free.into_iter().map(PortNumber::get).collect() },
        }
    }
}

/// Splitters near a client, from which a technician chooses.
///
/// They serve clients, and their CTO or condominium is not *em projeto*. Found in the gateway's copy of the network; then the
/// ports of those that are answered are checked with OZmap.
#[utoipa::path(
    get,
    path = "/v1/splitters/nearby",
    operation_id = "list_splitters_nearby",
    tag = "clients",
    params(NearbyQuery),
    responses((status = 200, description = "The splitters", body = NearbySplitters), MirrorErrors),
)]
pub(super) async fn nearby(
    caller: Caller,
    Query(query): Query<NearbyQuery>,
) -> Result<Json<NearbySplitters>, Problem> {
    let query = query.read()?;
    let provisioning = &caller.tenant().provisioning;
    let checked = provisioning.nearby(&query).await;
    let (network, checked) = checked.ok_or_else(|| {
        let detail = "The network has not been loaded yet, because OZmap does not answer or takes long.";
        Problem::new(ErrorCode::OzmapUnreachable, detail)
    })?;
    let answer = checked.answer(&network, &query);
    Ok(Json(NearbySplitters {
        splitters: answer.splitters.into_iter().map(NearbySplitter::from).collect(),
        as_of: format!("{:.3}", answer.as_of),
        verified: answer.verified,
    }))
}

impl NearbyQuery {
    fn read(self) -> Result<nearby::NearbySearch, Problem> {
        let NearbyQuery { lat, lng, radius_m, limit, kind, include_full } = self;
        let lat = number("lat", lat.as_deref(), None, -90.0, 90.0)?;
        let lng = number("lng", lng.as_deref(), None, -180.0, 180.0)?;
        let radius_m = number("radius_m", radius_m.as_deref(), Some(300.0), 1.0, LARGEST_RADIUS_M)?;
        // What is no whole number is out of range as well.
        let limit = limit.map(|limit| limit.trim().parse().unwrap_or_default());
        let limit = in_range("limit", limit, 20, 200)? as usize;
        let offer = match include_full.as_deref() {
            None | Some("false") => Offer::WithFreePort,
            Some("true") => Offer::All,
            Some(_) => return Err(Problem::invalid("include_full: true or false is expected")),
        };
        let at = Coordinate::new(lat, lng).ok_or_else(|| Problem::invalid("lat, lng: no place on earth"))?;
        let kind = kind.map(|OneOf(kind)| kind);
        Ok(nearby::NearbySearch { at, radius_m, limit, kind, offer })
    }
}

/// A number of a range; without a default it must be given. The error does not repeat it: it may say where a person lives.
fn number(
    name: &str,
    given: Option<&str>,
    default: Option<f64>,
    least: f64,
    most: f64,
) -> Result<f64, Problem> {
    let value = match given {
        None => default,
        Some(text) => text.trim().parse().ok().filter(|value| (least..=most).contains(value)),
    };
    value.ok_or_else(|| Problem::invalid(format!("{name}: a number from {least} to {most} is expected")))
}
