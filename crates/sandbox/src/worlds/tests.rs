//! The gallery itself: its names, that each world can be begun and differs from the truth, and that the judge sees what is wrong.

mod by_hand;
mod careless;

use std::collections::BTreeSet;

use super::story::WorldStory;
use super::{Health, Verdict, WorldField, all, find, nearest};
use crate::ozmap::id::Kind;
use crate::ozmap::record::client::{Client, Onu};
use crate::sandbox::Sandbox;

fn of(health: Health) -> impl Iterator<Item = &'static WorldStory> {
    all().iter().filter(move |story| story.health == health)
}

async fn begun(story: &WorldStory) -> Sandbox {
    Sandbox::start(story.options()).await.expect("loopback can be bound")
}

#[test]
fn there_are_sixty_of_each_and_every_name_is_once() {
    assert!(of(Health::Broken).count() >= 60 && of(Health::Healthy).count() >= 60);
    let names: BTreeSet<&str> = all().iter().map(|story| story.name).collect();
    assert_eq!(names.len(), all().len());
    let kebab = |name: &str| {
        let letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
        name.chars().all(letter) && !name.starts_with('-') && !name.ends_with('-') && !name.contains("--")
    };
    for story in all() {
        assert!(kebab(story.name), "{}", story.name);
        assert!(story.says.ends_with(['.', '?']) && !story.says.contains('\n'), "{}", story.name);
        assert!(!story.ends.is_empty(), "{}", story.name);
        assert!(story.clients <= 2000, "{}", story.name);
    }
}

#[test]
fn a_name_that_was_nearly_right_is_suggested() {
    assert_eq!(find("tenths").map(|story| story.name), Some("tenths"));
    assert_eq!(nearest("codes-shifted-by-on"), Some("codes-shifted-by-one"));
    assert_eq!(nearest("Storm-Dark-In-Figure"), Some("storm-dark-in-figures"));
    assert_eq!(nearest("xyzzy"), None);
}

/// What a system answers to a reader, faults included: status and body of each page.
async fn heard(sandbox: &Sandbox, of_map: bool) -> Vec<(u16, String)> {
    let mut heard = Vec::new();
    let int6 = format!("Authorization: Bearer {}\r\n", sandbox.int6_token());
    let ozmap = format!("Authorization: {}\r\n", sandbox.ozmap_key());
    for page in 1..=7 {
        if of_map {
            for list in ["properties?select=client", "ftth-clients?select=code+onu"] {
                let path = format!("/api/v2/{list}&page={page}&limit=300");
                heard.push(ask(&sandbox.ozmap_url(), &path, &ozmap).await);
            }
        } else {
            let path = format!("/api/diag/v2/onu_status?page={page}&per_page=150");
            heard.push(ask(&sandbox.int6_url(), &path, &int6).await);
        }
    }
    heard
}

async fn ask(url: &str, path: &str, headers: &str) -> (u16, String) {
    match crate::tests::send(url, "GET", path, headers, "").await {
        Ok((status, _, body)) => (status, body),
        Err(_) => (0, String::new()),
    }
}

#[tokio::test]
async fn every_broken_world_tells_something_else_than_the_truth() {
    for story in
        of(Health::Broken).filter(|story| story.settings.iter().all(|(name, _)| !name.ends_with("_FIELD")))
    {
        let sandbox = begun(story).await;
        let mut world = story.begin(&sandbox);
        world.live(&sandbox);
        let of_map = story.name.starts_with("map-");
        let truth = heard(&sandbox, of_map).await;
        let _ = world.tell(&sandbox);
        assert!(heard(&sandbox, of_map).await != truth, "{} tells the truth", story.name);
        sandbox.stop().await;
    }
}

#[tokio::test]
async fn every_town_is_sound_before_it_turns() {
    for story in all().iter().filter(|story| !story.first_run) {
        let sandbox = begun(story).await;
        let world = story.begin(&sandbox);
        assert_eq!(sandbox.ozmap().codes().len(), story.clients, "{}", story.name);
        let reserved = codes(&sandbox, true).len();
        assert!(story.clients < 25 || reserved * 13 >= story.clients, "{}: {reserved}", story.name);
        let judge = super::Judge::new(
            sandbox.ozmap().clone(),
            super::judge::Snapshot::of(&sandbox.ozmap().state()),
            world.truths(),
        );
        assert_eq!(judge.verdict().due, 0, "{}", story.name);
        sandbox.stop().await;
    }
}

/// A world, and what the judge says after somebody did this to OZmap.
async fn judged(name: &str, act: impl FnOnce(&Sandbox)) -> Verdict {
    let story = find(name).expect("a world of this name");
    let sandbox = begun(story).await;
    let judge = story.begin(&sandbox).turn(&sandbox);
    assert_eq!(judge.verdict().touched, 0);
    act(&sandbox);
    judge.verdict()
}

/// Codes of clients, reserved or not.
fn codes(sandbox: &Sandbox, reserved: bool) -> Vec<String> {
    let state = sandbox.ozmap().state();
    let clients = state.ids(Kind::Client, None).filter_map(|id| state.client(id));
    clients.filter(|client| client.implanted != reserved).map(|client| client.code.to_string()).collect()
}

fn change(sandbox: &Sandbox, code: &str, change: impl FnOnce(&mut Client)) {
    let mut state = sandbox.ozmap().state();
    let id = state.client_by_code(code).expect("a client").id;
    state.change_client(id, change);
}

#[tokio::test]
async fn the_judge_finds_a_wrong_power() {
    let verdict = judged("quiet", |sandbox| {
        let code = &codes(sandbox, false)[4];
        assert!(sandbox.ozmap().set_potency_read(code, Some(-33.33)));
    })
    .await;
    assert_eq!((verdict.touched, verdict.wrongly_touched.len(), verdict.clients), (1, 1, 500));
    assert!(verdict.wrongly_touched[0].contains("read power"), "{:?}", verdict.wrongly_touched);
    assert!(!verdict.is_harmless(), "one of five hundred is more than one of a thousand");
}

#[tokio::test]
async fn the_judge_finds_a_wrong_implantation_and_an_un_implantation() {
    let verdict = judged("quiet", |sandbox| {
        change(sandbox, &codes(sandbox, true)[0], |client| client.implanted = true);
    })
    .await;
    assert_eq!((verdict.wrongly_implanted.len(), verdict.un_implanted.len()), (1, 0));
    let verdict = judged("rows-missing-50", |sandbox| {
        change(sandbox, &codes(sandbox, false)[0], |client| client.implanted = false);
    })
    .await;
    assert_eq!((verdict.wrongly_implanted.len(), verdict.un_implanted.len()), (0, 1));
    assert!(!verdict.is_harmless(), "one client of a thousand is borne, but not this");
}

#[tokio::test]
async fn the_judge_finds_a_wrong_status_onu_name_and_a_deletion() {
    let verdict = judged("quiet", |sandbox| {
        let codes = codes(sandbox, false);
        change(sandbox, &codes[0], |client| client.status = client.status.map(|status| 1 - status));
        change(sandbox, &codes[1], |client| {
            client.onu = Onu::new("other", "FHTT00000001", "02:00:00:00:00:09")
        });
        change(sandbox, &codes[2], |client| client.name = Some("Somebody Else".into()));
        assert!(sandbox.ozmap().remove_client(&codes[3]));
    })
    .await;
    assert_eq!((verdict.touched, verdict.wrongly_touched.len()), (3, 4), "{:?}", verdict.wrongly_touched);
}

#[tokio::test]
async fn the_judge_knows_what_was_due_and_what_of_it_is_done() {
    let verdict = judged("one-client-dark", |sandbox| {
        let code = &codes(sandbox, false)[0];
        assert!(sandbox.ozmap().set_potency_read(code, Some(0.0)));
    })
    .await;
    assert_eq!((verdict.due, verdict.written_of_truth), (2, 1));
    assert_eq!(verdict.missed, [("10001".to_owned(), WorldField::Status)]);
    assert_eq!(verdict.missed_but_in(&[WorldField::Status]).len(), 0);
    assert!(verdict.is_harmless());
}

#[tokio::test]
async fn the_judge_takes_another_notation_of_the_same_onu() {
    let verdict = judged("quiet", |sandbox| {
        let known = codes(sandbox, false).into_iter().find(|code| {
            sandbox.ozmap().client(code).is_some_and(|client| client["onu"]["serial_number"] != "")
        });
        change(sandbox, &known.expect("a client with an ONU"), |client| {
            client.onu.serial = client.onu.serial.as_ref().map(|serial| serial.to_lowercase());
            client.onu.mac = client.onu.mac.as_ref().map(|mac| mac.replace(':', "-").into());
        });
    })
    .await;
    assert_eq!((verdict.touched, verdict.wrongly_touched), (1, vec![]));
}

#[tokio::test]
async fn a_story_says_how_it_may_end_and_which_words_it_asks_for() {
    let story = find("frozen-olt").expect("a world of this name");
    assert!(story.allows("finished", &[WorldField::ReadPower]));
    assert!(!story.allows("finished", &[]) && !story.allows("halted", &[]));
    assert!(!story.allows("finished", &[WorldField::ReadPower, WorldField::Onu]));
    assert!(story.is_told_by("145 clients show the Same Figure, -19.87 dBm") && !story.is_told_by("held"));
}
