//! Ports: which property holds which, and which are free.

use super::State;
use crate::ozmap::id::{Id, Kind};
use crate::ozmap::record::splitter::{Port, Splitter};
use crate::ozmap::refusal::{Outcome, Refusal};

impl State {
    /// The property on a port, if any.
    pub(crate) fn holder(&self, port: Port) -> Option<Id> {
        let fiber = self.splitter(port.splitter)?.output(port.number)?.fiber?;
        Some(fiber.as_kind(Kind::Property)).filter(|property| self.properties.contains_key(property))
    }

    /// Whether `property` may take a port, as far as OZmap's rules go.
    ///
    /// Inferred: a port that another property holds is refused unless `force` is sent; a blocked port always is.
    pub(crate) fn check_port(&self, port: Port, property: Option<Id>, force: bool) -> Outcome<()> {
        let splitter =
            self.splitter(port.splitter).ok_or_else(|| Refusal::forbidden("connector: no such splitter"))?;
        if !splitter.is_drop {
            return Err(Refusal::forbidden("connector: this splitter does not serve clients"));
        }
        let output = splitter.output(port.number).ok_or_else(|| {
            Refusal::forbidden(format!("port: must be between 1 and {}", splitter.outputs.len()))
        })?;
        if let Some(fiber) = output.fiber {
            let own = property.is_some_and(|property| property.as_kind(Kind::Fiber) == fiber);
            if own || (force && !output.blocked) {
                return Ok(());
            }
            return Err(Refusal::forbidden(format!("port: {} of {} is in use", port.number, splitter.name)));
        }
        if output.blocked {
            return Err(Refusal::forbidden(format!("port: {} of {} is blocked", port.number, splitter.name)));
        }
        Ok(())
    }

    /// Puts a property on a port that [`State::check_port`] allowed; another property that was there is unplugged.
    pub(crate) fn connect(&mut self, property: Id, port: Port) {
        if let Some(other) = self.holder(port).filter(|other| *other != property) {
            self.disconnect(other);
        }
        self.disconnect(property);
        let Some(holder) = self.properties.get_mut(&property) else { return };
        holder.connection = Some(port);
        holder.has_drop = true;
        let fiber = holder.fiber_id();
        let splitter = self.splitters.get_mut(&port.splitter);
        if let Some(output) = splitter.and_then(|splitter| splitter.output_mut(port.number)) {
            output.fiber = Some(fiber);
        }
    }

    /// Frees the port of a property, which stays; whether it had one.
    pub(crate) fn disconnect(&mut self, property: Id) -> bool {
        let connection = self.properties.get_mut(&property).and_then(|property| property.connection.take());
        let Some(port) = connection else { return false };
        self.change_splitter(port.splitter, |splitter| {
            if let Some(output) = splitter.output_mut(port.number) {
                output.fiber = None;
            }
        });
        true
    }

    /// The first free port of any lit drop splitter.
    pub(crate) fn free_port(&mut self) -> Option<Port> {
        let from = self.first_free?;
        let found = self
            .splitters
            .range(from..)
            .map(|(_, splitter)| splitter)
            .filter(|splitter| splitter.is_drop && splitter.route.is_some())
            .find_map(Splitter::free_port);
        self.first_free = found.map(|port| port.splitter);
        found
    }
}
