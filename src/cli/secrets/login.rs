//! `secrets rotate` of a database's URL.

use crate::cli::deploy::told::Teller;
use crate::cli::failure::Failure;
use crate::cli::global::Global;
use crate::cli::session::Session;
use crate::cli::ui::Ui;
use crate::deploy;
use crate::secrets::Declared;

/// Has the database's other user take over, and says what is left to do.
pub async fn rotate(
    session: &mut Session,
    secret: &Declared,
    key: &str,
    global: &Global,
    ui: &mut Ui,
) -> Result<(), Failure> {
    crate::cli::lock(session, &format!("secrets rotate {key}"), global, ui).await?;
    let teller = Teller::new(ui);
    let stop = crate::cli::signals::ladder();
    let tell = |said| teller.tell(said);
    let done = deploy::rotate_login(session.inner(), secret, key, stop, &tell).await;
    teller.end();
    let rotated = done?;
    ui.result(&format!(
        "written: {key}, now with user {} in the place of {} ({}, version {})\n",
        rotated.user, rotated.before, rotated.secret, rotated.version
    ))?;
    ui.say(&format!(
        "Running tasks go on as {}: circles-infra redeploy replaces them, which the next rotation asks for.",
        rotated.before
    ));
    Ok(())
}
