//! Databases' URLs that two users take turns in (`secrets rotate`), left as they are by planning: the stack file says the master user,
//! whom it knows; who has the turn, the live secret alone does.

use super::Session;
use crate::model::Reference;
use crate::plan::{Seen, Wish};
use crate::secrets::Login;

impl Session {
    /// Takes such keys out of what is wished for. One whose live URL leads elsewhere than the file's stays in: it follows the file.
    pub(super) fn keep_logins(&self, wishes: &mut [Wish], seen: &Seen) {
        let known = |reference: &Reference| {
            let live = seen.ours.get(&reference.address)?.first()?;
            let value = live.observed.attributes.get(&reference.attribute);
            match value.as_int() {
                Some(number) => Some(number.to_string()),
                None => value.as_text().map(str::to_owned),
            }
        };
        for secret in self.declared_secrets() {
            let Some(live) = seen.ours.get(&secret.address).and_then(|all| all.first()) else {
                continue;
            };
            let Some(wish) = wishes
                .iter_mut()
                .find(|wish| wish.address == secret.address)
            else {
                continue;
            };
            for (key, text) in &live.observed.secrets {
                let Some(login) = secret.logins.get(key) else {
                    continue;
                };
                if login.is_taken_by_turns(text.expose(), &known) {
                    Login::leave(&mut wish.attributes, key);
                    // What it stood on, it stands on.
                    wish.depends_on.push(login.instance.clone());
                }
            }
        }
    }
}
