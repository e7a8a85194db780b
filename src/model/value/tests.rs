use super::*;

fn text(text: &str) -> Part {
    Part::Text(text.into())
}

fn secret() -> Part {
    Part::Secret(SecretRef {
        address: Address::from("db/master"),
        key: "password".into(),
    })
}

#[test]
fn a_secret_is_the_password_of_a_url_between_the_user_and_the_host() {
    let host = Part::Ref(Reference {
        address: Address::from("db/instance"),
        attribute: "endpoint_address".into(),
    });
    let url = Expr(vec![
        text("postgresql://app:"),
        secret(),
        text("@"),
        host.clone(),
    ]);
    assert!(url.is_url_password(1));
    let user = Expr(vec![
        text("redis://"),
        host,
        text(":"),
        secret(),
        text("@host/0"),
    ]);
    assert!(user.is_url_password(3));
    for other in [
        vec![secret()],
        vec![text("https://host/"), secret(), text("@x")],
        vec![text("https://host/?key="), secret()],
        vec![text("app:"), secret(), text("@host")],
        vec![text("postgresql://app:"), secret(), text("/db")],
    ] {
        let at = other
            .iter()
            .position(|part| matches!(part, Part::Secret(_)));
        assert!(
            !Expr(other.clone()).is_url_password(at.unwrap()),
            "{other:?}"
        );
    }
}
