//! A splitter and its ports.

use compact_str::CompactString;
use serde_json::{Value, json};

use super::{Millis, hundredths, iso, optional};
use crate::ozmap::id::Id;

/// An optical splitter. Source: `docs/contracts/ozmap-api.md`, "Splitter".
#[derive(Clone, Debug)]
pub(crate) struct Splitter {
    pub(crate) id: Id,
    pub(crate) name: CompactString,
    pub(crate) label: CompactString,
    pub(crate) observation: Option<CompactString>,
    /// A box or a building.
    pub(crate) parent: Id,
    pub(crate) project: Id,
    pub(crate) splitter_type: Id,
    /// Serves clients (*splitter de atendimento*).
    pub(crate) is_drop: bool,
    pub(crate) implanted: bool,
    /// Decibels lost between the input and any output.
    pub(crate) loss: f64,
    /// What feeds the input: a PON or the fibre of another splitter.
    pub(crate) input: Option<Id>,
    /// The way from the PON to this splitter's outputs; none when nothing lights it.
    pub(crate) route: Option<Route>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) tags: Vec<CompactString>,
    pub(crate) created: Millis,
    pub(crate) updated: Millis,
}

/// The optical way from a PON to the outputs of a splitter.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Route {
    pub(crate) pon: Id,
    /// Decibels, the splitter's own loss included.
    pub(crate) attenuation: f64,
    pub(crate) km: f64,
}

/// One output port.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Output {
    /// The fibre that is connected, if any.
    pub(crate) fiber: Option<Id>,
    pub(crate) blocked: bool,
}

impl Output {
    pub(crate) fn is_free(self) -> bool {
        self.fiber.is_none() && !self.blocked
    }
}

impl Splitter {
    /// The output that a port is, counted from 1.
    pub(crate) fn output(&self, port: u16) -> Option<&Output> {
        self.outputs.get(usize::from(port).checked_sub(1)?)
    }

    pub(crate) fn output_mut(&mut self, port: u16) -> Option<&mut Output> {
        self.outputs.get_mut(usize::from(port).checked_sub(1)?)
    }

    /// The first free port.
    pub(crate) fn free_port(&self) -> Option<Port> {
        let index = self.outputs.iter().position(|output| output.is_free())?;
        Some(Port { splitter: self.id, number: u16::try_from(index + 1).ok()? })
    }

    pub(crate) const FIELDS: &[&str] = &[
        "id",
        "kind",
        "name",
        "label",
        "observation",
        "parent",
        "project",
        "splitterType",
        "ratio",
        "isDrop",
        "isBalanced",
        "implanted",
        "attenuation",
        "connectables",
        "ports",
        "currentPower",
        "installPower",
        "tags",
        "createdAt",
        "updatedAt",
    ];

    /// `launch` is the power of the PON that lights this splitter, dBm.
    ///
    /// Inferred: the `index` of a port counts from 1; its place in the array is what the contract vouches for.
    pub(crate) fn field(&self, name: &str, launch: impl Fn(Id) -> Option<f64>) -> Option<Value> {
        let per_output = |value: Value| Value::Array(vec![value; self.outputs.len()]);
        Some(match name {
            "id" | "_id" => self.id.into(),
            "kind" => json!("Splitter"),
            "name" => json!(self.name),
            "label" => json!(self.label),
            "observation" => return optional(&self.observation),
            "parent" => self.parent.into(),
            "project" => self.project.into(),
            "splitterType" => self.splitter_type.into(),
            "ratio" => json!({"input": 1, "output": self.outputs.len()}),
            "isDrop" => json!(self.is_drop),
            "isBalanced" => json!(true),
            "implanted" => json!(self.implanted),
            "attenuation" => per_output(json!(self.loss)),
            "connectables" => {
                let outputs: Vec<Value> =
                    self.outputs.iter().map(|output| output.fiber.map_or(Value::Null, Value::from)).collect();
                json!({"input": [self.input.map_or(Value::Null, Value::from)], "output": outputs})
            }
            "ports" => self
                .outputs
                .iter()
                .enumerate()
                .map(|(index, output)| json!({"index": index + 1, "blocked": output.blocked, "tags": []}))
                .collect(),
            "currentPower" | "installPower" => {
                let power = self.route.and_then(|route| Some(launch(route.pon)? - route.attenuation));
                per_output(json!(power.map(hundredths)))
            }
            "tags" => json!(self.tags),
            "createdAt" => iso(self.created),
            "updatedAt" => iso(self.updated),
            _ => return None,
        })
    }
}

/// One output of a splitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) splitter: Id,
    /// From 1 on.
    pub(crate) number: u16,
}
