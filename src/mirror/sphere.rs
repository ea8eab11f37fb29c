//! Searching on a sphere.
//!
//! Places are indexed as points of the unit sphere in space: the straight line between two of them grows with the way
//! around, so that the nearest by one is the nearest by the other, at the poles and across the antimeridian too.

use gateway_core::Coordinate;
use geo::{Distance, Haversine, Point};
use rstar::RTree;
use rstar::primitives::GeomWithData;

/// A point of the unit sphere, with the number of its site.
pub(super) type Place = GeomWithData<[f64; 3], u32>;

pub(super) fn place(at: Coordinate, site: u32) -> Place {
    Place::new(on_sphere(at), site)
}

fn on_sphere(at: Coordinate) -> [f64; 3] {
    let (sin_lat, cos_lat) = at.lat().to_radians().sin_cos();
    let (sin_lng, cos_lng) = at.lng().to_radians().sin_cos();
    [cos_lat * cos_lng, cos_lat * sin_lng, sin_lat]
}

/// Haversine metres on a sphere of the earth's mean radius, 6,371,008.8 m.
pub fn metres(a: Coordinate, b: Coordinate) -> f64 {
    Haversine.distance(Point::new(a.lng(), a.lat()), Point::new(b.lng(), b.lat()))
}

/// Sites within a radius, the nearest first.
pub(super) fn around(
    index: &RTree<Place>,
    at: Coordinate,
    radius_m: f64,
    coordinate: impl Fn(u32) -> Coordinate,
) -> impl Iterator<Item = (f64, u32)> {
    /// Metres by which rounding may swap two places: far more than it ever is.
    const SLACK: f64 = 0.001;
    index
        .nearest_neighbor_iter(&on_sphere(at))
        .map(move |place| (metres(at, coordinate(place.data)), place.data))
        // Not `<=`: what is no number must end the search too.
        .take_while(move |(distance, _)| (0.0..=radius_m + SLACK).contains(distance))
        .filter(move |(distance, _)| *distance <= radius_m)
}
