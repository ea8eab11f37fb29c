//! A command, in `operations.wish` and `activations.wish`.

use compact_str::CompactString;
use gateway_core::provisioning::{Command, ConnectRequest, OperationKind};
use gateway_core::{
    ClientCode, Coordinate, Implantation, MacAddress, OnuPatch, OnuSerial, PortNumber, RecordId,
};
use serde::{Deserialize, Serialize};

use super::{NotUnderstood, VERSION, first_release, read, text};

/// `create` and `activate`. A field that is not known might change what has to be done: such a form is not understood.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredCommand {
    #[serde(default = "first_release")]
    v: u32,
    /// The first release wrote none.
    #[serde(default)]
    kind: Option<String>,
    code: ClientCode,
    splitter: RecordId,
    port: PortNumber,
    coordinate: Option<Coordinate>,
    implantation: Implantation,
    name: Option<CompactString>,
    address: Option<CompactString>,
    onu: StoredOnuPatch,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredOnuPatch {
    serial: Option<OnuSerial>,
    pppoe_user: Option<CompactString>,
    mac: Option<MacAddress>,
}

/// The text of a command.
pub(crate) fn command_text(command: &Command) -> String {
    let kind = OperationKind::from(command).name();
    match command {
        Command::Create(request) | Command::Activate(request) => text(&StoredCommand::new(kind, request)),
    }
}

/// The command of this kind.
///
/// # Errors
/// [`NotUnderstood`]; it must not be carried out as anything else then.
pub(crate) fn read_command(kind: &str, text: &str) -> Result<Command, NotUnderstood> {
    let kind = kind.parse().map_err(|_| NotUnderstood::Kind(kind.to_owned()))?;
    let request = read::<StoredCommand>(text)?.into();
    Ok(match kind {
        OperationKind::Create => Command::Create(request),
        OperationKind::Activate => Command::Activate(request),
    })
}

/// The command of a row that has no column for its kind; one of the first release counts as an activation, because it did not
/// write down which it was.
///
/// # Errors
/// [`NotUnderstood`].
pub(crate) fn read_recorded_command(text: &str) -> Result<Command, NotUnderstood> {
    #[derive(Deserialize)]
    struct KindOf {
        kind: Option<String>,
    }
    let KindOf { kind } = read(text)?;
    read_command(kind.as_deref().unwrap_or(OperationKind::Activate.name()), text)
}

impl StoredCommand {
    fn new(kind: &str, request: &ConnectRequest) -> StoredCommand {
        let ConnectRequest { code, splitter, port, coordinate, implantation, name, address, onu } =
            request.clone();
        let OnuPatch { serial, pppoe_user, mac } = onu;
        StoredCommand {
            v: VERSION,
            kind: Some(kind.to_owned()),
            code,
            splitter,
            port,
            coordinate,
            implantation,
            name,
            address,
            onu: StoredOnuPatch { serial, pppoe_user, mac },
        }
    }
}

impl From<StoredCommand> for ConnectRequest {
    fn from(stored: StoredCommand) -> ConnectRequest {
        let StoredCommand { v: _, kind: _, code, splitter, port, coordinate, implantation, .. } = stored;
        let StoredOnuPatch { serial, pppoe_user, mac } = stored.onu;
        ConnectRequest {
            code,
            splitter,
            port,
            coordinate,
            implantation,
            name: stored.name,
            address: stored.address,
            onu: OnuPatch { serial, pppoe_user, mac },
        }
    }
}
