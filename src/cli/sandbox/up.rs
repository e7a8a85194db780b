//! `sandbox up` and `sandbox down`: the whole system on one machine.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;

use crate::cli::ask::Selection;
use crate::cli::carry_out::{Consent, carry_out};
use crate::cli::deploy;
use crate::cli::failure::{Exit, Failure, FailureKind};
use crate::cli::global::Global;
use crate::cli::session::{Session, local};
use crate::cli::ui::Ui;
use crate::deploy::{Order, What};
use crate::render::outputs;
use crate::sandbox::{Home, Progress, Shown, ShownService};

/// What `cargo build -p circles-app` makes, beside this very program.
const HOST_BUILD: &str = "circles-app";
const GAP: Duration = Duration::from_millis(250);

/// Run the whole system on this machine: applies the stack to the sandbox, and runs what its services say
///
/// Tasks are processes: of the image in the sandbox's registry, unpacked (`--image` ships one there, as `deploy` does), or of a host
/// build as long as the image repository is empty.
/// A PostgreSQL with PostGIS stands in for RDS, a reverse proxy on 127.0.0.1 for each load balancer; `outputs` then names its address.
/// All of it follows the API: scale the service, register a revision, change a listener, and processes and traffic change. Run it again
/// to apply what has changed in the stack; end it with `sandbox down`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct UpArgs {
    /// Ship this image first: an OCI archive or what `docker save` wrote, or a tag or digest that is in the registry
    #[arg(
        long,
        value_name = "ARCHIVE|TAG|DIGEST",
        conflicts_with = "host_binary"
    )]
    pub image: Option<String>,

    /// The program to run while the image repository is empty [default: circles-app beside this program]
    #[arg(long, value_name = "PATH")]
    pub host_binary: Option<PathBuf>,

    /// How long the services may take until they are healthy, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub patience: u64,
}

pub async fn run(args: &UpArgs, global: &Global, ui: &mut Ui) -> Result<Exit, Failure> {
    let binary = host_binary(args)?;
    let home = Home::from_env().map_err(local)?;
    start(&home, binary.as_deref(), ui).await?;
    let global = Global {
        sandbox: true,
        ..global.clone()
    };
    let mut session = crate::cli::open(&global, ui).await?;
    crate::cli::lock(&mut session, "apply", &global, ui).await?;
    let plan = session.plan(&Selection::default().ask(false)).await?;
    let consent = Consent {
        yes: true,
        // The tasks are waited for below, together with the database and the proxy.
        no_wait: true,
        json: false,
        // The load balancer's name is known when its stand-in listens.
        outputs_later: true,
    };
    let applied = carry_out(session, plan, &consent, &global, ui).await?;
    if applied != Exit::FINE {
        return Ok(applied);
    }
    let patience = Duration::from_secs(args.patience);
    if let Some(image) = &args.image {
        ship(image, patience, &global, ui).await?;
    }
    let shown = wait(&home, patience, ui).await?;
    let outputs = Session::open(&global, None, ui.err_palette, ui.listener())
        .await?
        .outputs()
        .await?;
    ui.result(&format!("{}\n{}", outputs::text(&outputs), text(&shown)))?;
    ui.say("End it with: circles-infra sandbox down");
    Ok(Exit::FINE)
}

async fn start(home: &Home, binary: Option<&Path>, ui: &Ui) -> Result<(), Failure> {
    let (err, quiet) = (ui.err.clone(), ui.quiet);
    let say = move |progress: Progress| {
        let text = match progress {
            Progress::Waiting => "waiting for another command",
            Progress::Installing => "installing the sandbox's Python packages, once",
            Progress::Starting => "starting the sandbox and what runs beside it",
        };
        if !quiet {
            // Nobody who could be told of a standard error that is closed.
            let _ = writeln!(err.clone(), "{text}");
        }
    };
    home.start_system(binary, &say).await.map_err(local)
}

/// The way that every release goes: pushed, pinned, rolled out, watched to its end.
async fn ship(
    image: &str,
    patience: Duration,
    global: &Global,
    ui: &mut Ui,
) -> Result<(), Failure> {
    let order = Order {
        service: None,
        what: What::Image(image.to_owned()),
        migrate: false,
        wait: true,
        patience,
    };
    deploy::ship(&order, "deploy", false, global, ui)
        .await
        .map(drop)
}

/// The given program, or the one beside this; none is fine when the registry has an image.
fn host_binary(args: &UpArgs) -> Result<Option<PathBuf>, Failure> {
    if args.image.is_some() {
        return Ok(None);
    }
    if let Some(given) = &args.host_binary {
        let path = given
            .canonicalize()
            .map_err(|error| Failure::file("find the program", given, error))?;
        return Ok(Some(path));
    }
    let beside = std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.canonicalize().ok()?.parent()?.join(HOST_BUILD)));
    Ok(beside.filter(|path| path.is_file()))
}

/// Waits until the databases answer and the services are healthy behind their load balancers.
async fn wait(home: &Home, patience: Duration, ui: &mut Ui) -> Result<Shown, Failure> {
    let until = Instant::now() + patience;
    let mut said = String::new();
    loop {
        let Some(shown) = home.system().await.map_err(local)? else {
            return Err(Failure::new(
                FailureKind::Local,
                "what runs the tasks has ended",
            ));
        };
        if let Some(failure) = broken(&shown) {
            return Err(failure);
        }
        let now = waiting_for(&shown);
        if now.is_empty() {
            return Ok(shown);
        }
        if Instant::now() >= until {
            return Err(Failure::new(
                FailureKind::Cloud,
                format!("not healthy after {} s: {now}", patience.as_secs()),
            )
            .hint("it goes on trying; look at the log group, or give more time with --patience"));
        }
        if now != said {
            ui.say(&format!("waiting: {now}"));
            said = now;
        }
        tokio::time::sleep(GAP).await;
    }
}

/// What will not become better by waiting.
fn broken(shown: &Shown) -> Option<Failure> {
    let database = shown
        .databases
        .iter()
        .find_map(|database| Some((&database.name, database.problem.as_ref()?)));
    if let Some((name, problem)) = database {
        return Some(Failure::new(
            FailureKind::Local,
            format!("database {name} does not run: {problem}"),
        ));
    }
    let failed = shown
        .services
        .iter()
        .find(|service| service.rollout == "FAILED")?;
    let mut failure = Failure::new(
        FailureKind::Cloud,
        format!("{} does not start: {}", failed.name, failed.said),
    );
    if shown.host_build.is_none() {
        failure = failure.hint(
            "there is no image and no host build: cargo build -p circles-app, or --host-binary PATH",
        );
    }
    Some(failure.hint("what its tasks wrote is in the log group"))
}

/// What is not there yet; empty when all is.
fn waiting_for(shown: &Shown) -> String {
    let databases = shown
        .databases
        .iter()
        .filter(|database| !database.ready)
        .map(|database| format!("{} is starting", database.name));
    let services = shown
        .services
        .iter()
        .filter(|service| !healthy(service))
        .map(|service| {
            let failed = match service.failed {
                0 => String::new(),
                n => format!(", {n} failed ({})", service.said),
            };
            format!(
                "{} has {} of {} tasks running, {} healthy{failed}",
                service.name, service.running, service.desired, service.healthy
            )
        });
    let mut all: Vec<String> = databases.chain(services).collect();
    if shown.services.is_empty() {
        all.push("the services".into());
    }
    all.join("; ")
}

fn healthy(service: &ShownService) -> bool {
    service.rollout == "COMPLETED"
        && service.running == service.desired
        && service.healthy == service.desired
}

/// What runs where, for people.
pub fn text(shown: &Shown) -> String {
    let mut lines = Vec::new();
    for (name, address) in &shown.balancers {
        lines.push(format!("{name} answers at http://{address}"));
    }
    for service in &shown.services {
        let host_build = shown
            .tasks
            .iter()
            .any(|task| task.service == service.name && task.host_build);
        let what = match (&shown.host_build, host_build) {
            (Some(path), true) => format!("the host build {}, not an image", path.display()),
            _ => "its image, unpacked".to_owned(),
        };
        lines.push(format!(
            "{}: {} of {} tasks healthy, {} ({what})",
            service.name, service.healthy, service.desired, service.revision
        ));
    }
    for database in &shown.databases {
        lines.push(format!(
            "{}: PostgreSQL on 127.0.0.1:{}, TLS only",
            database.name, database.port
        ));
    }
    if lines.is_empty() {
        lines.push("Beside it runs what its services say: none at present.".into());
    }
    lines.join("\n") + "\n"
}

pub async fn down(ui: &mut Ui) -> Result<Exit, Failure> {
    let down = Home::from_env()
        .map_err(local)?
        .down()
        .await
        .map_err(local)?;
    let mut text = match (down.system, down.left) {
        (true, _) => "The system is down.".to_owned(),
        (false, 0) => "The system does not run.".to_owned(),
        (false, n) => format!("The system had been killed; {n} processes that it left are ended."),
    };
    if down.sandbox {
        text.push_str(" The sandbox, which `up` had started, is stopped: what it held is gone.");
    } else if down.system || down.left > 0 {
        text.push_str(
            " The sandbox keeps what the stack made; `circles-infra sandbox stop` ends it, too.",
        );
    }
    ui.result(&format!("{text}\n"))?;
    Ok(Exit::FINE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::{ShownDatabase, ShownTask};

    fn shown() -> Shown {
        Shown {
            sandbox: 1,
            host_build: Some("/x/circles-app".into()),
            services: vec![ShownService {
                name: "svc".into(),
                revision: "task:1".into(),
                desired: 2,
                running: 2,
                healthy: 2,
                failed: 0,
                steady: true,
                rollout: "COMPLETED".into(),
                said: "(service svc) has reached a steady state.".into(),
            }],
            balancers: [("alb".to_owned(), "127.0.0.1:4000".to_owned())].into(),
            tasks: vec![ShownTask {
                id: "1".into(),
                service: "svc".into(),
                pids: vec![7],
                host_build: true,
            }],
            databases: vec![ShownDatabase {
                name: "db".into(),
                port: 5000,
                ready: true,
                problem: None,
            }],
        }
    }

    #[test]
    fn what_runs_is_told_and_a_host_build_is_called_so() {
        let mut system = shown();
        insta::assert_snapshot!(text(&system), @r"
        alb answers at http://127.0.0.1:4000
        svc: 2 of 2 tasks healthy, task:1 (the host build /x/circles-app, not an image)
        db: PostgreSQL on 127.0.0.1:5000, TLS only
        ");
        system.tasks[0].host_build = false;
        assert!(text(&system).contains("its image, unpacked"));
    }

    #[test]
    fn all_of_it_is_waited_for() {
        assert_eq!(waiting_for(&shown()), "");
        let mut system = shown();
        system.databases[0].ready = false;
        system.services[0].running = 1;
        system.services[0].healthy = 0;
        system.services[0].failed = 3;
        system.services[0].said = "cannot pull".into();
        assert_eq!(
            waiting_for(&system),
            "db is starting; svc has 1 of 2 tasks running, 0 healthy, 3 failed (cannot pull)"
        );
        let mut rolling = shown();
        rolling.services[0].rollout = "IN_PROGRESS".into();
        assert_ne!(
            waiting_for(&rolling),
            "",
            "the old tasks alone are not what was asked for"
        );
    }

    #[test]
    fn what_waiting_does_not_mend_is_said_at_once() {
        assert!(broken(&shown()).is_none());
        let mut system = shown();
        system.host_build = None;
        system.services[0].rollout = "FAILED".into();
        let failure = broken(&system).unwrap();
        assert!(failure.hints[0].contains("--host-binary"), "{failure:?}");
        system.databases[0].problem = Some("initdb failed".into());
        assert_eq!(
            broken(&system).unwrap().message,
            "database db does not run: initdb failed"
        );
    }
}
