//! The document: a snapshot, and the page that shows it.

use crate::harness::World;

#[test]
fn the_document_is_as_it_was() {
    let document = serde_json::to_value(circles_app::router::document()).unwrap();
    assert_eq!(document["openapi"].as_str().map(|v| &v[..3]), Some("3.1"));
    assert_eq!(document["info"]["title"], "Circles - Social Location App");
    assert_eq!(document["info"]["version"], "1.0.0");
    assert_eq!(
        document["components"]["securitySchemes"]["HTTPBearer"]["scheme"],
        "bearer"
    );
    let text = serde_json::to_string_pretty(&document).unwrap();
    assert!(
        !text.to_lowercase().contains("email"),
        "email login must not appear"
    );
    insta::assert_snapshot!("openapi", text);
}

#[test]
fn every_reference_leads_somewhere() {
    let document = serde_json::to_value(circles_app::router::document()).unwrap();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#/components/schemas/").skip(1) {
        let name = reference.split('"').next().unwrap();
        assert!(
            document["components"]["schemas"].get(name).is_some(),
            "{name}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_needs_no_network() {
    let world = World::new().await;
    let sara = world.person("Sara").await;
    let page = sara.get("/docs").await;
    assert_eq!(page.status, 200);
    assert!(
        !page.text.contains("//cdn") && !page.text.contains("https://"),
        "{}",
        page.text
    );
    for part in page
        .text
        .split(['"', '\''])
        .filter(|p| p.starts_with("/docs/"))
    {
        sara.get(part).await.expect(200);
    }
}
