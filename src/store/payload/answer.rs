//! What an operation's caller would have been answered, in `operations.answer`.

use gateway_core::provisioning::{Done, OperationAnswer};
use gateway_core::{ErrorCode, PortNumber};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::client::StoredClient;
use super::{NotUnderstood, VERSION, first_release, read, text};

#[derive(Serialize, Deserialize)]
struct StoredAnswer {
    #[serde(default = "first_release")]
    v: u32,
    #[serde(flatten)]
    answer: Answer,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
enum Answer {
    Done { outcome: String, card: Box<StoredClient>, as_of: Timestamp },
    Refused { code: String, detail: String, free_ports: Option<Vec<PortNumber>> },
    Superseded,
}

/// The text of an answer.
pub(crate) fn answer_text(answer: &OperationAnswer) -> String {
    let answer = match answer {
        OperationAnswer::Done(done) => {
            let Done { outcome, record, as_of } = &**done;
            Answer::Done { outcome: outcome.name().to_owned(), card: Box::new(record.into()), as_of: *as_of }
        }
        OperationAnswer::Refused { code, detail, free_ports } => Answer::Refused {
            code: code.name().to_owned(),
            detail: detail.clone(),
            free_ports: free_ports.clone(),
        },
        OperationAnswer::Superseded => Answer::Superseded,
    };
    text(&StoredAnswer { v: VERSION, answer })
}

/// The answer of a text; an error code of a later release is a failure without a name.
///
/// # Errors
/// [`NotUnderstood`].
pub(crate) fn read_answer(text: &str) -> Result<OperationAnswer, NotUnderstood> {
    Ok(match read::<StoredAnswer>(text)?.answer {
        Answer::Done { outcome, card, as_of } => {
            let outcome = outcome.parse();
            let outcome = outcome.map_err(|_| NotUnderstood::Malformed("an unknown outcome".to_owned()))?;
            OperationAnswer::Done(Box::new(Done { outcome, record: (*card).into(), as_of }))
        }
        Answer::Refused { code, detail, free_ports } => {
            let code = code.parse().unwrap_or(ErrorCode::Internal);
            OperationAnswer::Refused { code, detail, free_ports }
        }
        Answer::Superseded => OperationAnswer::Superseded,
    })
}
