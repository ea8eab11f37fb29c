//! Hosts with their moods: a page that fails once, a token that ends, routes that are missing.

use std::time::Duration;

use crate::faults::Fault;
use crate::worlds::story::WorldStory;

/// Pages that the town does not fill.
const PAGES: &[(&str, &str)] = &[("INT6_PAGE_SIZE", "100"), ("OZMAP_PAGE_SIZE", "100")];

pub(super) const STORIES: &[WorldStory] = &[
    WorldStory::healthy("int6-fails-once", "One page of INT6 answers 503 once, and then is there.")
        .settings(PAGES)
        .told(|told| told.int6_faults().fail_route("/api/diag", 1, Fault::Status(503))),
    WorldStory::healthy("int6-is-cut-once", "One page of INT6 is cut in mid-body once, and then is there.")
        .settings(PAGES)
        .told(|told| told.int6_faults().fail_route("/api/diag", 1, Fault::Cut)),
    WorldStory::healthy("int6-token-ends", "INT6's token ends in mid-run, and another is given.")
        .settings(PAGES)
        .told(|told| told.int6_faults().fail_route("/api/diag", 1, Fault::Status(401))),
    WorldStory::healthy("int6-is-slow", "Every page of INT6 takes its time.").settings(PAGES).told(|told| {
        told.int6_faults().set_latency(Duration::from_millis(20));
    }),
    WorldStory::healthy("int6-asks-for-a-pause", "INT6 answers 429 once, and asks for a second.")
        .settings(PAGES)
        .told(|told| {
            let pause = Fault::StatusWith {
                status: 429,
                retry_after: Some(1),
                body: "{\"error\":\"rate limit\"}".to_owned(),
            };
            told.int6_faults().fail_route("/api/diag", 1, pause);
        }),
    WorldStory::healthy("map-fails-once", "One list of OZmap answers 502 once, and then is there.")
        .settings(PAGES)
        .told(|told| told.ozmap_faults().fail_route("GET /properties", 1, Fault::Status(502))),
    WorldStory::healthy("map-without-batches", "OZmap has no batch-update: each client is written alone.")
        .without_batch_update(),
    WorldStory::healthy(
        "map-refuses-a-batch-once",
        "OZmap answers one batch-update with 503, and has not done it.",
    )
    .told(|told| told.ozmap_faults().fail_route("POST /properties/batch-update", 1, Fault::Status(503))),
    WorldStory::healthy("map-loses-an-answer", "OZmap carries a batch-update out, and its answer is lost.")
        .told(|told| told.ozmap_faults().fail_route("POST /properties/batch-update", 1, Fault::DoThenCut)),
];
