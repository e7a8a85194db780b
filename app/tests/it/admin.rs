//! `circles-app admin`: administrator rights by the command line.

use crate::harness::World;
use crate::harness::process::command;

fn admin(world: &World, verb: &str, phone: &str) -> (bool, String) {
    let output = command(&world.database.url, &[])
        .args(["admin", verb, phone])
        .output()
        .expect("the program runs");
    let text = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_are_granted_and_revoked_by_phone() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let omar = world.person("Omar").await;
    let tickets = "/support/admin/tickets";
    sara.get(tickets).await.expect(403);
    let spelled = format!("{} {}", &sara.phone[..6], &sara.phone[6..]);
    for _ in 0..2 {
        let (done, told) = admin(&world, "grant", &spelled);
        assert!(done && told.contains("administrator"), "{told}");
        sara.get(tickets).await.expect(200);
    }
    omar.get(tickets).await.expect(403);
    let (done, told) = admin(&world, "revoke", &sara.phone);
    assert!(done, "{told}");
    sara.get(tickets).await.expect(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_without_an_account_is_an_error() {
    let world = World::new().await;
    world.person("Sara").await;
    for (phone, told) in [("+966599999998", "no account"), ("12", "Phone number")] {
        let (done, text) = admin(&world, "grant", phone);
        assert!(!done && text.contains(told), "{text}");
    }
    let admins = "select count(*) from users where is_admin";
    assert_eq!(world.count(admins).await, 0);
}
