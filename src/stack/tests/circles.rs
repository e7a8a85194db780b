use super::support::loaded;

const CIRCLES: &str = include_str!("../../../stacks/circles.yaml");

#[test]
fn shows() {
    let loaded = loaded(CIRCLES);
    for r in &loaded.stack.resources {
        println!(
            "{} {} {}",
            r.address,
            r.kind,
            serde_json::to_string_pretty(&r.attributes).unwrap()
        );
        println!("   after {:?}", r.depends_on);
    }
    println!("{:?}", loaded.stack.outputs);
}
