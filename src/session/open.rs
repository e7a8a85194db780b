//! Opening: read the stack (all its mistakes before any call), reach the account, check the guards, find the state's place.

use std::path::Path;
use std::sync::Arc;

use super::apply::settle_window;
use super::backend::{Finder, lease_length};
use super::{Request, Session, SessionError};
use crate::aws::{self, Aws, Connect, Zones};
use crate::diagnostic::Diagnostic;
use crate::model::Scope;
use crate::plan::{Header, Mode, Wish};
use crate::sandbox;
use crate::stack::{self, Catalog, Facts, LoadRequest, Loaded};
use crate::state::{StateKey, Store};

/// The sandbox's account: nothing of it can be taken for a real one.
const SANDBOX_ACCOUNT: &str = "000000000000";

impl Session {
    /// Reads the stack, connects (starting the sandbox if need be), and finds the state. Writes nothing.
    pub async fn open(request: Request) -> Result<Self, SessionError> {
        // Before anything is asked, also where nobody will need them this time.
        settle_window(&request)?;
        lease_length(&request)?;
        let text = read(&request.stack_file)?;
        let catalog = Catalog::from(&aws::tables());
        // Offline first: every mistake in the file is told before anything is asked of AWS.
        let offline = load(&request, &text, &catalog, None)?.stack;
        let region = region(&request, offline.region.as_deref())?;
        let connect = connect(&request, region, offline.assume_role.clone()).await?;
        let aws = Arc::new(Aws::connect(&connect).await?);
        guard(&aws, &offline, &request)?;
        let scope = Scope {
            stack: offline.name.clone(),
            environment: offline.environment.clone(),
            account: aws.account.clone(),
            region: aws.region.clone(),
            partition: aws.partition.clone(),
        };
        let key = StateKey {
            scope: scope.clone(),
            // The sandbox's port is another one each time it starts; its world is the same.
            endpoint: if request.sandbox {
                Some("sandbox".into())
            } else {
                aws.endpoint.clone()
            },
        };
        let finder = Finder {
            request: &request,
            settings: &offline.state,
            aws: &aws,
            key: &key,
        };
        let store = finder.of_stack()?.store();
        let zones = zones(&aws, store.as_ref()).await?;
        let facts = Facts {
            account: aws.account.clone(),
            region: aws.region.clone(),
            partition: aws.partition.clone(),
            zones: zones.names.clone(),
            limited_zones: zones.limited.clone(),
        };
        let Loaded { stack, texts } = load(&request, &text, &catalog, Some(&facts))?;
        let header = Header {
            stack: stack.name.clone(),
            environment: stack.environment.clone(),
            account: aws.account.clone(),
            region: aws.region.clone(),
            endpoint: aws.endpoint.clone(),
            sandbox: request.sandbox,
            ephemeral: stack.ephemeral,
            protect: stack.protect,
            digest: stack.digest.clone(),
            mode: Mode::Apply,
        };
        Ok(Self {
            kinds: aws::kinds(&aws),
            wishes: wishes(&stack),
            zones,
            stack,
            texts,
            header,
            scope,
            aws,
            store,
            request,
            lease: None,
            planned: None,
        })
    }

    /// Who calls, as STS says.
    pub fn caller(&self) -> &str {
        &self.aws.caller_arn
    }

    pub fn request(&self) -> &Request {
        &self.request
    }
}

/// The region's zones: as the state knows them, or else as AWS says.
async fn zones(aws: &Aws, store: &dyn Store) -> Result<Zones, SessionError> {
    // A state that cannot be read is told where it is used.
    match store.load().await {
        Ok(Some((snapshot, _))) if !snapshot.zones.is_empty() => Ok(Zones {
            names: snapshot.zones,
            limited: snapshot.limited_zones,
        }),
        _ => Ok(aws.zones().await?),
    }
}

/// Reads and checks a stack without asking anybody.
pub fn check(request: &Request) -> Result<Loaded, SessionError> {
    let text = read(&request.stack_file)?;
    load(request, &text, &Catalog::from(&aws::tables()), None)
}

/// The same, for a caller of whom these facts are assumed.
pub fn check_with(request: &Request, facts: &Facts) -> Result<Loaded, SessionError> {
    let text = read(&request.stack_file)?;
    load(request, &text, &Catalog::from(&aws::tables()), Some(facts))
}

/// The same in every environment, where none is asked for; the default one is the last.
pub fn check_everywhere(request: &Request) -> Result<Vec<Loaded>, SessionError> {
    let text = read(&request.stack_file)?;
    let catalog = Catalog::from(&aws::tables());
    load_with(request, &text, &catalog, None, stack::load_everywhere)
}

fn read(path: &Path) -> Result<String, SessionError> {
    stack::read_text(path).map_err(|source| SessionError::File {
        place: path.display().to_string(),
        source,
    })
}

fn load(
    request: &Request,
    text: &str,
    catalog: &Catalog,
    facts: Option<&Facts>,
) -> Result<Loaded, SessionError> {
    load_with(request, text, catalog, facts, stack::load)
}

fn load_with<T>(
    request: &Request,
    text: &str,
    catalog: &Catalog,
    facts: Option<&Facts>,
    load: fn(&LoadRequest<'_>) -> Result<T, Vec<Diagnostic>>,
) -> Result<T, SessionError> {
    let process: Vec<(String, String)> = request.process.clone().into_iter().collect();
    let file = request.stack_file.display().to_string();
    let asked = LoadRequest {
        file: &file,
        text,
        environment: request.environment.as_deref(),
        variables: &request.variables,
        variable_files: &request.variable_files,
        process: &process,
        facts,
        sandbox: request.sandbox,
        catalog,
    };
    load(&asked).map_err(|diagnostics| SessionError::Stack {
        diagnostics,
        texts: Box::new(asked.texts()),
    })
}

/// The file's region wins over the shell's; a `--region` that disagrees is an error.
fn region(request: &Request, file: Option<&str>) -> Result<Option<String>, SessionError> {
    match (file, &request.region) {
        (Some(file), Some(asked)) if file != asked => Err(SessionError::Guard(format!(
            "--region {asked}, but the stack file says {file}: take one of them away"
        ))),
        (Some(file), _) => Ok(Some(file.to_owned())),
        (None, Some(asked)) => Ok(Some(asked.clone())),
        // The sandbox is nowhere in particular; its region is said as elsewhere, or this one.
        (None, None) if request.sandbox => Ok(request
            .process
            .get("AWS_REGION")
            .or(request.process.get("AWS_DEFAULT_REGION"))
            .cloned()
            .or(Some("us-east-1".into()))),
        (None, None) => Ok(None),
    }
}

async fn connect(
    request: &Request,
    region: Option<String>,
    assume_role: Option<String>,
) -> Result<Connect, SessionError> {
    if !request.sandbox {
        return Ok(Connect {
            region,
            profile: request.profile.clone(),
            assume_role,
            endpoint: None,
            listener: request.listener.clone(),
            static_credentials: None,
        });
    }
    let sandbox = sandbox::ensure_running(&|_| {}).await?;
    Ok(Connect {
        region,
        profile: None,
        assume_role: None,
        endpoint: Some(sandbox.endpoint),
        // The local AWS checks no signature; these are not a secret.
        listener: request.listener.clone(),
        static_credentials: Some(("sandbox".into(), "sandbox".into())),
    })
}

/// An environment that names its account is refused in any other, and the accounts of other environments are refused for this one.
fn guard(aws: &Aws, stack: &stack::Stack, request: &Request) -> Result<(), SessionError> {
    if request.sandbox && aws.account == SANDBOX_ACCOUNT {
        return Ok(());
    }
    let refuse = |what: String| Err(SessionError::Guard(what));
    match &stack.account {
        Some(account) if *account != aws.account => refuse(format!(
            "environment {} belongs to account {account}, but the credentials are of account {} ({})",
            stack.environment, aws.account, aws.caller_arn
        )),
        None if stack.other_accounts.contains(&aws.account) => refuse(format!(
            "account {} belongs to another environment of this stack; {} is not to be applied there",
            aws.account, stack.environment
        )),
        _ => Ok(()),
    }
}

fn wishes(stack: &stack::Stack) -> Vec<Wish> {
    stack
        .resources
        .iter()
        .map(|resource| Wish {
            address: resource.address.clone(),
            kind: resource.kind.clone(),
            attributes: resource.attributes.clone(),
            depends_on: resource.depends_on.clone(),
            protect: resource.protect,
            retain: resource.retain,
            ignore: resource.ignore.clone(),
            tags: resource.tags.clone(),
            origin: Some(resource.origin.clone()),
        })
        .collect()
}
