use super::*;
use crate::model::{Address, PhysicalId};

const REPOSITORY: &str = "1.dkr.ecr.r.amazonaws.com/app";

fn scope() -> Scope {
    Scope {
        stack: "circles".into(),
        environment: "dev".into(),
        account: "1".into(),
        region: "us-east-1".into(),
        partition: "aws".into(),
    }
}

fn definition(image: &str) -> Attributes {
    Attributes::new([(
        "containers",
        Value::List(vec![Value::map([
            ("name", Value::text("app")),
            ("image", Value::text(image)),
        ])]),
    )])
}

fn revision(number: u32, image: &str, tags: Tags) -> Observed {
    Observed::made_up(
        "ecs.task_definition",
        &PhysicalId::new(format!("arn:aws:ecs:r:1:task-definition/app:{number}")),
        definition(image),
        tags,
    )
}

fn ours() -> Tags {
    Ownership::new(&scope(), &Address::from("app/task-definition"), 1).tags()
}

fn released(name: &str) -> Tags {
    let mut tags = ours();
    tags.insert(RELEASE.into(), name.into());
    tags.insert(STACK_IMAGE.into(), "latest".into());
    tags.insert(REJECTED.into(), "no".into());
    tags
}

struct Case {
    known: Sighting,
    running: Option<Observed>,
    recorded: Option<String>,
    stack: String,
}

fn case(known: Observed) -> Case {
    Case {
        known: Sighting {
            generation: 1,
            observed: known,
        },
        running: None,
        recorded: None,
        stack: format!("{REPOSITORY}:latest"),
    }
}

impl Case {
    fn rule(&self) -> Ruling {
        rule(&Facts {
            scope: &scope(),
            known: &self.known,
            running: self.running.as_ref(),
            recorded: self.recorded.as_deref(),
            stack: Some(&self.stack),
            container: "app",
        })
    }
}

#[test]
fn before_the_first_release_the_stack_file_counts() {
    let image = format!("{REPOSITORY}:latest");
    let mut first = case(revision(1, &image, ours()));
    assert_eq!(first.rule(), Ruling::default());
    first.recorded = Some(image);
    first.stack = format!("{REPOSITORY}:v2");
    assert_eq!(first.rule(), Ruling::default(), "an apply brings v2");
}

#[test]
fn a_release_counts_and_its_tags_are_handed_on() {
    let image = format!("{REPOSITORY}@sha256:b");
    let mut shipped = case(revision(2, &image, released("release-1")));
    let ruling = shipped.rule();
    let (kept, tags) = ruling.keep.unwrap();
    assert_eq!(kept, image);
    assert_eq!(tags[RELEASE], "release-1");
    assert!(!tags.contains_key(REJECTED));
    assert!(!ruling.moved_on && !ruling.take_running);
    shipped.stack = format!("{REPOSITORY}:v2");
    assert!(shipped.rule().moved_on);
}

#[test]
fn a_release_that_was_taken_back_does_not_stand_for_the_family() {
    let good = format!("{REPOSITORY}@sha256:a");
    let mut given_up = case(revision(
        3,
        &format!("{REPOSITORY}@sha256:b"),
        released("release-2"),
    ));
    given_up.running = Some(revision(2, &good, released("release-1")));
    let ruling = given_up.rule();
    assert!(ruling.take_running);
    assert_eq!(ruling.keep.unwrap().0, good);
}

#[test]
fn what_a_pipeline_shipped_counts_with_and_without_a_state() {
    let theirs = format!("{REPOSITORY}:sha-1");
    let mut shipped = case(revision(1, &format!("{REPOSITORY}:latest"), ours()));
    shipped.running = Some(revision(2, &theirs, Tags::new()));
    for recorded in [None, Some(format!("{REPOSITORY}:latest"))] {
        shipped.recorded = recorded;
        let ruling = shipped.rule();
        assert!(ruling.take_running && !ruling.moved_on);
        let (kept, tags) = ruling.keep.unwrap();
        assert_eq!(
            (kept.as_str(), tags[RELEASE].as_str()),
            (theirs.as_str(), OUTSIDE)
        );
    }
    // One that copies our tags as well.
    shipped.running = Some(revision(2, &theirs, ours()));
    assert_eq!(shipped.rule().keep.unwrap().0, theirs);
}

#[test]
fn a_revision_of_ours_with_the_same_image_is_an_apply_that_was_not_rolled_out() {
    let image = format!("{REPOSITORY}@sha256:a");
    let mut begun = case(with_memory(
        revision(3, &image, released("release-1")),
        4096,
    ));
    begun.running = Some(revision(2, &image, released("release-1")));
    let ruling = begun.rule();
    assert!(!ruling.take_running);
    assert_eq!(ruling.keep.unwrap().0, image);
}

fn with_memory(mut revision: Observed, memory: i64) -> Observed {
    revision.attributes.set("memory", memory);
    revision
}

#[test]
fn somebody_elses_revision_with_the_same_image_stands_while_it_runs() {
    let image = format!("{REPOSITORY}@sha256:a");
    let mut touched = case(revision(2, &image, released("release-1")));
    touched.running = Some(with_memory(revision(3, &image, Tags::new()), 4096));
    let ruling = touched.rule();
    assert!(ruling.take_running && !ruling.moved_on);
    let (kept, tags) = ruling.keep.unwrap();
    assert_eq!((kept, tags[RELEASE].as_str()), (image, "release-1"));
    // Before any release, too; nobody takes the service off it.
    let image = format!("{REPOSITORY}:latest");
    let mut first = case(revision(1, &image, ours()));
    first.running = Some(revision(2, &image, Tags::new()));
    first.recorded = Some(image.clone());
    let ruling = first.rule();
    assert!(ruling.take_running && !ruling.moved_on);
    assert_eq!(ruling.keep.unwrap().0, image);
}

#[test]
fn a_copy_that_was_only_registered_does_not_draw_the_service() {
    let image = format!("{REPOSITORY}@sha256:a");
    let mut copied = case(revision(3, &image, released("release-1")));
    copied.running = Some(revision(2, &image, released("release-1")));
    assert!(copied.rule().take_running);
}

#[test]
fn nobody_remembers_and_the_image_is_another_one() {
    let forgotten = case(revision(1, &format!("{REPOSITORY}:v1"), ours()));
    assert_eq!(
        forgotten.rule().keep.unwrap().0,
        format!("{REPOSITORY}:v1"),
        "rather kept than replaced"
    );
}

#[test]
fn an_image_is_put_into_its_container_alone() {
    let changed = with_image(&definition("a"), "app", "b".into());
    assert_eq!(image_of(&changed, "app"), Some("b"));
    let other = with_image(&definition("a"), "sidecar", "b".into());
    assert_eq!(image_of(&other, "app"), Some("a"));
    assert_eq!(image_of(&other, "sidecar"), None);
}

#[test]
fn tags_hold_what_aws_takes() {
    assert_eq!(
        tag_text("exit code 1; \"quoted\"\n"),
        "exit code 1_ _quoted__"
    );
    assert_eq!(tag_text(&"ü".repeat(300)).chars().count(), 256);
    assert!(names("a/b:v1", "v1") && names("a/b@sha256:c", "sha256:c"));
    assert!(!names("a/b:v11", "1"));
}
