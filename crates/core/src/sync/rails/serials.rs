//! Whether codes are joined to the right rows, seen by the serial numbers of their ONUs.

use std::collections::HashSet;

use super::context::Context;
use crate::onu::OnuSerial;
use crate::sync::hold::Halt;
use crate::sync::limits::exceeds;

/// Why the run is to be halted, if it is.
pub(super) fn halt(context: &Context<'_>) -> Option<Halt> {
    let limits = context.limits;
    let mut known = 0;
    // What OZmap holds, and what INT6 says instead.
    let mut changed: Vec<(OnuSerial, &OnuSerial)> = Vec::new();
    for (synced, reading) in context.pairs {
        let Some(new) = &reading.serial else { continue };
        let Some(held) = OnuSerial::new(&synced.client.onu.serial_number) else { continue };
        known += 1;
        if held != *new {
            changed.push((held, new));
        }
    }
    if (changed.len() as u64) < limits.min_serial_clients {
        return None;
    }
    // An ONU that is used again after a cancellation was not its client's any more.
    let of_changing: HashSet<&OnuSerial> = changed.iter().map(|(held, _)| held).collect();
    let swapped = changed.iter().filter(|(_, new)| of_changing.contains(new)).count() as u64;
    let changed = changed.len() as u64;
    let least = limits.min_serial_clients;
    if exceeds(changed, known, limits.max_serial_percent, least) {
        return Some(Halt::Serials { changed, known, max_percent: limits.max_serial_percent });
    }
    exceeds(swapped, known, limits.max_swapped_percent, least).then_some(Halt::Swapped {
        swapped,
        known,
        max_percent: limits.max_swapped_percent,
    })
}
