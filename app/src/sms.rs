//! The way a one-time code takes to a phone.

use aws_sdk_sns::types::MessageAttributeValue;

use crate::config::SmsSender;
use crate::secret::Secret;

/// A caller waits no longer than this for the sender.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

pub enum Sms {
    /// Text messages by Amazon SNS (`Publish` with a phone number).
    Sns(Box<aws_sdk_sns::Client>),
    /// The log; in debug only.
    Log,
}

impl Sms {
    pub async fn new(sender: SmsSender) -> Sms {
        match sender {
            SmsSender::Log => Sms::Log,
            SmsSender::Sns => {
                let config = aws_config::load_defaults(aws_config::BehaviorVersion::latest()).await;
                Sms::Sns(Box::new(aws_sdk_sns::Client::new(&config)))
            }
        }
    }

    /// Sends a code. A failure is logged and not told: an answer must not depend on the phone.
    pub async fn send_code(&self, phone: &str, code: &Secret, minutes: i64) {
        match self {
            Sms::Log => tracing::info!(phone, code = code.expose(), "one-time code (debug sender)"),
            Sms::Sns(client) => {
                let text = format!(
                    "{} is your Circles code. It is good for {minutes} minutes.",
                    code.expose()
                );
                let kind = MessageAttributeValue::builder()
                    .data_type("String")
                    .string_value("Transactional")
                    .build();
                let Ok(kind) = kind else { return };
                let sent = client
                    .publish()
                    .phone_number(phone)
                    .message(text)
                    .message_attributes("AWS.SNS.SMS.SMSType", kind)
                    .send();
                match tokio::time::timeout(PATIENCE, sent).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => {
                        let cause = aws_sdk_sns::error::DisplayErrorContext(&error).to_string();
                        tracing::error!(cause, "the one-time code could not be sent");
                    }
                    Err(_) => tracing::error!("the one-time code could not be sent in time"),
                }
            }
        }
    }
}
