use proptest::prelude::*;
use rstest::rstest;

use super::*;

/// What a pretend host does with `page` and says of its list.
#[derive(Debug, Clone, Copy, Default)]
struct Manners {
    rows: usize,
    /// Most rows that it gives; 0 is as many as are asked for.
    cap: usize,
    tells_limit: bool,
    total: Total,
    page: Page,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Total {
    #[default]
    Told,
    Zero,
    OfPage,
    None,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Page {
    #[default]
    Honoured,
    Ignored,
    Wraps,
    LastAgain,
}

impl Manners {
    fn page(&self, page: usize, limit: usize) -> (PageInfo, Vec<usize>) {
        let limit = if self.cap == 0 { limit } else { limit.min(self.cap) };
        let pages = self.rows.div_ceil(limit).max(1);
        let start = match self.page {
            Page::Honoured => (page - 1) * limit,
            Page::Ignored => 0,
            Page::Wraps => (page - 1) * limit % self.rows.max(1),
            Page::LastAgain => (page.min(pages) - 1) * limit,
        };
        let rows: Vec<usize> = (start..self.rows.min(start + limit)).collect();
        let total = match self.total {
            Total::Told => Some(self.rows as u64),
            Total::Zero => Some(0),
            Total::OfPage => Some(rows.len() as u64),
            Total::None => None,
        };
        let limit = self.tells_limit.then_some(limit as u64);
        (PageInfo { rows: rows.len(), total, limit, has_next: None, next_query: Vec::new() }, rows)
    }
}

fn id(row: usize) -> Identity {
    Identity::Id(RecordId::new(&format!("r{row}")).expect("an identifier"))
}

/// Rows that came, pages that were asked for, rows that are missing, and whether it was given up.
fn walk(host: Manners, limit: usize) -> (u64, usize, Option<u64>, bool) {
    let (mut walk, mut at) = (Walk::new(limit), At::Page(1));
    for pages in 1.. {
        let At::Page(page) = at else { panic!("this host has no cursors") };
        let (info, rows) = host.page(page, limit);
        let new = rows.iter().filter(|row| walk.is_new(id(**row))).count();
        match walk.step(&at, &info, new) {
            Step::Ended => return (walk.came(), pages, walk.short_of(), false),
            Step::Endless(_) => return (walk.came(), pages, walk.short_of(), true),
            Step::On { next, again, .. } => {
                assert!(again.is_empty(), "nothing went away");
                at = next;
            }
        }
        assert!(pages < 100, "{host:?} is asked for ever");
    }
    unreachable!()
}

#[rstest]
#[case::told(Total::Told, 3)]
#[case::zero(Total::Zero, 3)]
#[case::of_the_page(Total::OfPage, 3)]
#[case::none(Total::None, 3)]
fn seven_rows_in_pages_of_three_are_three_pages(#[case] total: Total, #[case] pages: usize) {
    let host = Manners { rows: 7, total, ..Manners::default() };
    assert_eq!(walk(host, 3), (7, pages, None, false));
}

#[test]
fn a_short_first_page_is_the_end_where_the_host_says_so() {
    let host = Manners { rows: 7, ..Manners::default() };
    assert_eq!(walk(host, 25).1, 1, "all of `total` came");
    assert_eq!(walk(Manners { total: Total::None, tells_limit: true, ..host }, 25).1, 1, "below its limit");
    assert_eq!(
        walk(Manners { total: Total::None, ..host }, 25),
        (7, 2, None, false),
        "it may give few at a time"
    );
    assert_eq!(walk(Manners { total: Total::Zero, cap: 3, ..host }, 25), (7, 3, None, false), "as this one");
}

#[rstest]
#[case::ignores_page(Page::Ignored, Total::None, 2)]
#[case::ignores_page_and_says_zero(Page::Ignored, Total::Zero, 2)]
#[case::gives_the_last_page_again(Page::LastAgain, Total::None, 3)]
fn the_same_rows_for_ever_are_noticed_within_three_pages(
    #[case] page: Page,
    #[case] total: Total,
    #[case] pages: usize,
) {
    let host = Manners { rows: 6, page, total, ..Manners::default() };
    let (_, asked, _, gave_up) = walk(host, 3);
    assert_eq!((asked, gave_up), (pages, true));
}

#[test]
fn a_list_half_read_is_short_of_its_total() {
    let host = Manners { rows: 7, page: Page::Ignored, ..Manners::default() };
    assert_eq!(walk(host, 3), (3, 2, Some(7), false));
}

#[test]
fn a_page_that_came_twice_and_says_its_own_rows_as_total_is_doubtful() {
    let (mut walk, host) =
        (Walk::new(3), Manners { rows: 7, page: Page::Ignored, total: Total::OfPage, ..Manners::default() });
    let (info, rows) = host.page(1, 3);
    rows.iter().for_each(|row| assert!(walk.is_new(id(*row))));
    assert!(matches!(walk.step(&At::Page(1), &info, 3), Step::On { may_have_ended: false, .. }));
    assert_eq!((walk.step(&At::Page(2), &info, 0), walk.is_doubtful()), (Step::Ended, true));
}

#[test]
fn a_page_that_cannot_be_had_is_an_end_only_where_all_of_a_total_came() {
    let info = |total: u64| PageInfo {
        rows: 3,
        total: Some(total),
        limit: None,
        has_next: None,
        next_query: vec![],
    };
    for (total, expected) in [(3, false), (6, true), (7, false)] {
        let mut walk = Walk::new(3);
        (0..3).for_each(|row| assert!(walk.is_new(id(row))));
        walk.step(&At::Page(1), &info(total), 3);
        (3..6).for_each(|row| assert!(walk.is_new(id(row))));
        let Step::On { may_have_ended, .. } = walk.step(&At::Page(2), &info(total), 3) else {
            panic!("it goes on")
        };
        assert_eq!(may_have_ended, expected, "{total}");
    }
}

#[test]
fn a_cursor_in_a_circle_is_noticed_at_the_first_page_without_a_new_row() {
    let query = |name: &str| vec![("lastSeenId".to_owned(), name.to_owned())];
    let mut walk = Walk::new(3);
    let mut at = At::Page(1);
    for (page, cursor) in [(0, "a"), (1, "b"), (0, "a")] {
        let info =
            PageInfo { rows: 3, total: None, limit: None, has_next: Some(true), next_query: query(cursor) };
        let new = (page * 3..page * 3 + 3).filter(|row| walk.is_new(id(*row))).count();
        match walk.step(&at, &info, new) {
            Step::On { next, .. } => at = next,
            step => return assert!(matches!(step, Step::Endless(_)) && walk.pages == 3, "{step:?}"),
        }
    }
    panic!("the circle was not noticed");
}

#[test]
fn rows_that_went_away_send_back_to_the_page_that_others_moved_to() {
    let info = |total: u64| PageInfo {
        rows: 3,
        total: Some(total),
        limit: None,
        has_next: None,
        next_query: vec![],
    };
    let mut walk = Walk::new(3);
    (0..3).for_each(|row| assert!(walk.is_new(id(row))));
    assert!(matches!(walk.step(&At::Page(1), &info(20), 3), Step::On { again, .. } if again.is_empty()));
    (3..6).for_each(|row| assert!(walk.is_new(id(row))));
    let Step::On { next, again, .. } = walk.step(&At::Page(2), &info(19), 3) else { panic!("it goes on") };
    assert_eq!((next, again), (At::Page(3), 1..2));
    assert!(walk.is_settled_by(&info(19)) && !walk.is_settled_by(&info(18)));
    let Step::On { again, .. } = walk.step(&At::Page(3), &info(14), 3) else { panic!("it goes on") };
    assert_eq!(again, 1..3, "four rows fill two pages");
}

#[test]
fn rows_without_an_identifier_are_told_apart_by_what_they_say() {
    let rows: Vec<Box<RawValue>> =
        serde_json::from_str(r#"[{"id":"a"},{"_id":"a"},{"x":1},{"x":1},5]"#).expect("rows");
    let of_page = || {
        let mut ids: Vec<Identity> = rows.iter().map(|row| Identity::of(row, row)).collect();
        Identity::number(ids.iter_mut());
        ids
    };
    let ids = of_page();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 4);
    assert_eq!(ids, of_page(), "the same page has the same rows");
}

proptest! {
    #[test]
    fn every_honest_list_is_read_whole_with_one_page_more_at_most(
        rows in 0usize..60, limit in 1usize..20, cap in 0usize..20, tells_limit in any::<bool>(),
        total in prop::sample::select(vec![Total::Told, Total::Zero, Total::None]),
    ) {
        let host = Manners { rows, cap, tells_limit, total, page: Page::Honoured };
        let (came, pages, short_of, gave_up) = walk(host, limit);
        prop_assert_eq!((came, short_of, gave_up), (rows as u64, None, false));
        let size = if cap == 0 { limit } else { limit.min(cap) };
        prop_assert!(pages <= rows.div_ceil(size).max(1) + 1);
    }

    #[test]
    fn a_host_that_goes_round_is_told_or_was_read_whole(
        rows in 1usize..60, limit in 1usize..20,
        page in prop::sample::select(vec![Page::Ignored, Page::Wraps, Page::LastAgain]),
        total in prop::sample::select(vec![Total::Told, Total::Zero, Total::None]),
    ) {
        let host = Manners { rows, total, page, ..Manners::default() };
        let (came, pages, short_of, gave_up) = walk(host, limit);
        prop_assert!(gave_up || short_of.is_some() || came == rows as u64);
        prop_assert!(pages <= came.div_ceil(limit as u64) as usize + 2);
    }
}
