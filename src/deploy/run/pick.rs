//! Which services are meant.

use crate::deploy::error::DeployError;
use crate::session::{Session, Target};
use crate::stack::ServiceInfo;

/// The named service, or all when they share their image.
pub async fn targets(
    session: &mut Session,
    service: Option<&str>,
) -> Result<Vec<Target>, DeployError> {
    let infos = session.stack.services.clone();
    let names: Vec<String> = infos.iter().map(|info| info.address.to_string()).collect();
    if names.is_empty() {
        return Err(DeployError::refused(
            "the stack file has no service",
            "code is shipped to entries of type fargate_service",
        ));
    }
    let meant = meant(&infos, &names, service)?;
    alike(&meant, &names)?;
    let wanted: Vec<_> = meant.iter().map(|info| info.address.clone()).collect();
    let targets: Vec<Target> = session
        .targets()
        .await?
        .into_iter()
        .filter(|target| wanted.contains(&target.info.address))
        .collect();
    if let Some(missing) = wanted.iter().find(|address| {
        !targets
            .iter()
            .any(|target| target.info.address == **address)
    }) {
        return Err(DeployError::refused(
            format!("{missing} is not there yet, or not any more"),
            "make it first: circles-infra apply",
        ));
    }
    Ok(targets)
}

fn meant<'a>(
    infos: &'a [ServiceInfo],
    names: &[String],
    service: Option<&str>,
) -> Result<Vec<&'a ServiceInfo>, DeployError> {
    Ok(match service {
        None => infos.iter().collect(),
        Some(name) => {
            let found: Vec<_> = infos
                .iter()
                .filter(|info| info.address.as_str() == name || info.service.as_str() == name)
                .collect();
            if found.is_empty() {
                return Err(DeployError::refused(
                    format!("the stack file has no service {name}"),
                    format!("services: {}", names.join(", ")),
                ));
            }
            found
        }
    })
}

/// One image, for one architecture, that is the stack's to ship.
fn alike(meant: &[&ServiceInfo], names: &[String]) -> Result<(), DeployError> {
    if let Some(outside) = meant.iter().find(|info| info.repository.is_none()) {
        return Err(DeployError::refused(
            format!(
                "{} takes its image from elsewhere: the stack file names it whole, as `image`",
                outside.address
            ),
            "change `image` in the stack file and apply that, or give the service a `repository`",
        ));
    }
    if meant
        .iter()
        .any(|info| info.repository != meant[0].repository)
    {
        return Err(DeployError::refused(
            "the services have different images",
            format!(
                "say which one: circles-infra deploy SERVICE, one of {}",
                names.join(", ")
            ),
        ));
    }
    if meant
        .iter()
        .any(|info| info.architecture != meant[0].architecture)
    {
        return Err(DeployError::refused(
            "the services run on different architectures",
            format!(
                "say which one: circles-infra deploy SERVICE, one of {}",
                names.join(", ")
            ),
        ));
    }
    Ok(())
}
