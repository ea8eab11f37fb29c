//! The light that OZmap calculates for a client, and INT6's verdict.

use axum::Json;
use axum::http::{HeaderMap, header};
use gateway_core::{Dbm, Equipment, KnownPower, PowerReading, System, Verdict};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::deadline::within;
use super::extract::{CodeInPath, CodeParam, Query};
use super::problem::Problem;
use super::responses::{ClientErrors, OzmapErrors, RouteErrors};
use super::words::{Word, Words};
use crate::provisioning::Origin;

/// What INT6 has measured and what it tolerates.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct PowerQuery {
    /// What the ONU reads, in dBm, such as `-23.10`; 0 or a word such as `LOS` is no light.
    read_dbm: Option<String>,
    /// Largest difference of calculated and read power that INT6 authorises, in dB, such as `3`.
    #[param(minimum = 0, maximum = 1000, value_type = Option<f64>)]
    limit_db: Option<String>,
}

/// A piece of the way from the OLT to the client.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OltBody {
    #[schema(example = "68e2d1f0493d9c0006665401")]
    id: Option<String>,
    #[schema(example = "OLT-01")]
    name: Option<String>,
}

/// The OLT's slot.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SlotBody {
    #[schema(example = "68e2d1f0493d9c0006665402")]
    id: Option<String>,
    #[schema(example = "2")]
    number: Option<String>,
}

/// The slot's PON.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PonBody {
    #[schema(example = "68e2d1f0493d9c0006665403")]
    id: Option<String>,
    #[schema(example = "2")]
    number: Option<String>,
    #[schema(example = "PON 2")]
    name: Option<String>,
}

/// Whether INT6 may activate the client with this light.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VerdictBody {
    /// What was read, in dBm; null for a word.
    #[schema(example = -23.1)]
    read_power_dbm: Option<f64>,
    #[schema(example = 3.0)]
    limit_db: f64,
    /// Absolute difference of calculated and read power; null without light, or without a calculated power.
    #[schema(example = 3.65)]
    difference_db: Option<f64>,
    /// Whether the difference is within the limit; equal to it is.
    #[schema(example = false)]
    authorised: bool,
}

impl From<Verdict> for VerdictBody {
    fn from(Verdict { read, limit_db, difference, authorised }: Verdict) -> VerdictBody {
        VerdictBody {
            read_power_dbm: read.map(Dbm::to_f64),
            limit_db,
            difference_db: difference.map(Dbm::to_f64),
            authorised,
        }
    }
}

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum SourceBody {
    Ozmap,
    Cache,
}

impl Words for SourceBody {
    const LIST: &'static str = "PowerSource";
    const EXAMPLE: SourceBody = SourceBody::Ozmap;
}

impl From<Origin> for SourceBody {
    fn from(origin: Origin) -> SourceBody {
        match origin {
            Origin::Ozmap => SourceBody::Ozmap,
            Origin::Cache => SourceBody::Cache,
        }
    }
}

type SourceWord = Word<SourceBody>;

/// The power that should arrive at a client, and the way on which it does.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientPower {
    #[schema(example = "147")]
    code: String,
    /// Calculated power (*potência calculada*).
    #[schema(example = -19.45)]
    calculated_power_dbm: Option<f64>,
    /// Read power (*potência lida*) as OZmap holds it; null if it holds none.
    #[schema(example = -20.1)]
    read_power_dbm: Option<f64>,
    /// What the PON sends.
    #[schema(example = 4.0)]
    launch_power_dbm: Option<f64>,
    #[schema(example = 23.45)]
    attenuation_db: Option<f64>,
    /// Length of the fibre.
    #[schema(example = 987.0)]
    distance_m: Option<f64>,
    olt: OltBody,
    slot: SlotBody,
    pon: PonBody,
    /// Other ways that OZmap knows; the first that reaches a PON counts.
    #[schema(example = 0)]
    other_routes: usize,
    /// When OZmap said so; RFC 3339, UTC.
    #[schema(example = "2026-11-20T10:03:11.000Z")]
    as_of: String,
    /// `ozmap` if it was asked for this answer, `cache` if it said so before.
    source: SourceWord,
    /// Only if both parameters are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    verdict: Option<VerdictBody>,
}

impl ClientPower {
    fn new(known: &KnownPower, origin: Origin, verdict: Option<Verdict>) -> ClientPower {
        let KnownPower { code, route, other_routes, read, as_of } = known;
        let text = |text: &Option<compact_str::CompactString>| text.as_ref().map(ToString::to_string);
        let id = |part: &Equipment| part.id.as_ref().map(ToString::to_string);
        ClientPower {
            code: code.to_string(),
            calculated_power_dbm: route.calculated.map(Dbm::to_f64),
            read_power_dbm: read.map(Dbm::to_f64),
            launch_power_dbm: route.launch.map(Dbm::to_f64),
            attenuation_db: route.attenuation.map(Dbm::to_f64),
            distance_m: route.distance_m,
            olt: OltBody { id: id(&route.olt), name: text(&route.olt.name) },
            slot: SlotBody { id: id(&route.slot), number: text(&route.slot.number) },
            pon: PonBody { id: id(&route.pon), number: text(&route.pon.number), name: text(&route.pon.name) },
            other_routes: *other_routes,
            as_of: format!("{as_of:.3}"),
            source: SourceBody::from(origin).into(),
            verdict: verdict.map(VerdictBody::from),
        }
    }
}

/// The calculated power of a client; with both parameters, also whether INT6 may activate it.
///
/// An answer of the last 30 seconds (a setting) is given again, unless the request says `Cache-Control: no-cache`. When OZmap
/// cannot be reached, the last known answer is given with its `as_of`.
#[utoipa::path(
    get,
    path = "/v1/clients/{code}/power",
    operation_id = "get_client_power",
    tag = "clients",
    params(CodeParam, PowerQuery),
    responses(
        (status = 200, description = "The power, and the way of the light", body = ClientPower),
        ClientErrors,
        RouteErrors,
        OzmapErrors,
    ),
)]
pub(super) async fn get(
    caller: Caller,
    CodeInPath(code): CodeInPath,
    Query(query): Query<PowerQuery>,
    headers: HeaderMap,
) -> Result<Json<ClientPower>, Problem> {
    let reading = query.read_dbm.as_deref().map(read_dbm).transpose()?;
    let limit = query.limit_db.as_deref().map(limit_db).transpose()?;
    let provisioning = &caller.tenant().provisioning;
    let asked = provisioning.power(&code, wants_no_cache(&headers));
    let (known, origin) = within(provisioning.answer_within(), System::Ozmap, asked).await?;
    let verdict =
        reading.zip(limit).map(|(reading, limit)| Verdict::new(known.route.calculated, reading, limit));
    Ok(Json(ClientPower::new(&known, origin, verdict)))
}

/// A reading in every notation that INT6 has; but what has digits or is called a number, and is no figure, would be a wrong
/// verdict.
fn read_dbm(text: &str) -> Result<PowerReading, Problem> {
    let wrong = || Problem::invalid("read_dbm: a power in dBm, or a word for no light, is expected");
    let is_no_number = text.trim().parse::<f64>().is_ok_and(|number| !number.is_finite());
    if is_no_number || text.len() > 100 || text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(wrong());
    }
    match PowerReading::from_text(text) {
        Ok(PowerReading::Text) if text.chars().any(char::is_numeric) => Err(wrong()),
        reading => reading.map_err(|_| wrong()),
    }
}

fn limit_db(text: &str) -> Result<f64, Problem> {
    let limit = text.trim().replace(',', ".").parse::<f64>().ok();
    limit
        .filter(|limit| (0.0..=1_000.0).contains(limit))
        .ok_or_else(|| Problem::invalid("limit_db: a number of dB from 0 to 1000 is expected"))
}

fn wants_no_cache(headers: &HeaderMap) -> bool {
    let directives = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    directives.flat_map(|value| value.split(',')).any(|directive| {
        matches!(directive.trim().to_ascii_lowercase().as_str(), "no-cache" | "no-store" | "max-age=0")
    })
}
