//! Points, distances and polygons on the map.

use serde_json::Value;

/// Longitude and latitude in degrees, in GeoJSON's order.
pub(crate) type Point = (f64, f64);

/// The rings of a GeoJSON polygon: the outer one, then the holes.
pub(crate) type Polygon = Vec<Vec<Point>>;

/// A number, or a string that holds one.
pub(crate) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::String(text) => text.trim().parse().ok(),
        value => value.as_f64(),
    };
    number.filter(|number: &f64| number.is_finite())
}

/// Reads a point: `[lng, lat]`, or an object with `lat`/`lng`, `latitude`/`longitude`, `coords` or `coordinates`.
pub(crate) fn point(value: &Value) -> Option<Point> {
    let (lng, lat) = match value {
        Value::Array(pair) => match pair.as_slice() {
            [lng, lat] => (lng, lat),
            _ => return None,
        },
        Value::Object(object) => {
            if let Some(inner) = object.get("coords").or_else(|| object.get("coordinates")) {
                return if inner.is_array() { point(inner) } else { None };
            }
            let of = |short: &str, long: &str| object.get(short).or_else(|| object.get(long));
            (of("lng", "longitude")?, of("lat", "latitude")?)
        }
        _ => return None,
    };
    let (lng, lat) = (number(lng)?, number(lat)?);
    ((-180.0..=180.0).contains(&lng) && (-90.0..=90.0).contains(&lat)).then_some((lng, lat))
}

/// Reads a GeoJSON polygon.
pub(crate) fn polygon(value: &Value) -> Option<Polygon> {
    if value.get("type")? != "Polygon" {
        return None;
    }
    let ring = |ring: &Value| ring.as_array()?.iter().map(point).collect();
    value.get("coordinates")?.as_array()?.iter().map(ring).collect()
}

/// Metres between two points, along the great circle.
pub(crate) fn distance(a: Point, b: Point) -> f64 {
    const EARTH_RADIUS: f64 = 6_371_008.8;
    let (lat_a, lat_b) = (a.1.to_radians(), b.1.to_radians());
    let half = |from: f64, to: f64| ((to - from) / 2.0).sin().powi(2);
    let h = half(lat_a, lat_b) + lat_a.cos() * lat_b.cos() * half(a.0.to_radians(), b.0.to_radians());
    2.0 * EARTH_RADIUS * h.sqrt().min(1.0).asin()
}

/// A point some metres east and north of another, rounded to the sixth decimal: a hand's breadth.
pub(crate) fn shifted((lng, lat): Point, east: f64, north: f64) -> Point {
    const METRES_PER_DEGREE: f64 = 111_320.0;
    let round = |degrees: f64| (degrees * 1e6).round() / 1e6;
    let lng = lng + east / (METRES_PER_DEGREE * lat.to_radians().cos());
    (round(lng), round(lat + north / METRES_PER_DEGREE))
}

/// Whether a point lies in a polygon (even-odd rule, so that holes count).
pub(crate) fn contains(polygon: &Polygon, (x, y): Point) -> bool {
    let mut inside = false;
    for ring in polygon {
        for (i, &(ax, ay)) in ring.iter().enumerate() {
            let (bx, by) = ring[(i + 1) % ring.len()];
            if (ay > y) != (by > y) && x < (bx - ax) * (y - ay) / (by - ay) + ax {
                inside = !inside;
            }
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_thousandth_of_a_degree_of_latitude_is_111_metres() {
        assert!((distance((-46.0, -27.0), (-46.0, -27.001)) - 111.2).abs() < 0.1);
    }

    #[test]
    fn a_shifted_point_is_as_far_away_as_it_was_shifted() {
        let from = (-44.2, -26.5);
        let to = shifted(from, 300.0, -400.0);
        assert!(to.0 > from.0 && to.1 < from.1, "{to:?}");
        assert!((distance(from, to) - 500.0).abs() < 2.0, "{}", distance(from, to));
    }

    #[test]
    fn a_hole_is_not_inside() {
        let square = |r: f64| vec![(-r, -r), (r, -r), (r, r), (-r, r), (-r, -r)];
        let ring = vec![square(2.0), square(1.0)];
        assert!(contains(&ring, (1.5, 0.0)));
        assert!(!contains(&ring, (0.5, 0.0)));
        assert!(!contains(&Vec::new(), (0.0, 0.0)));
    }

    #[test]
    fn points_come_in_four_shapes() {
        for shape in [
            json!([1, 2]),
            json!({"lng": "1", "lat": 2}),
            json!({"coords": [1, 2]}),
            json!({"longitude": 1, "latitude": 2}),
        ] {
            assert_eq!(point(&shape), Some((1.0, 2.0)), "{shape}");
        }
        assert_eq!(point(&json!([200, 2])), None);
    }
}
