//! Letters to a mail server that really listens.

#![allow(clippy::unwrap_used, reason = "helpers of tests end at the first surprise as tests do")]

use manazir_auth::Email;
use manazir_auth::link::LinkSecret;
use manazir_auth::mail::{Letter, Mailer};
use manazir_smtp::{Smtp, Unusable};

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_arrives_with_its_link_whole() {
    let server = manazir_testkit::smtp::Smtp::start();
    let from = "Manazir <manazir@example.org>";
    let smtp = Smtp::new(&server.url(), from, "https://manazir.example.org").unwrap();
    let to = Email::parse("ada@example.org").unwrap();
    let link = LinkSecret::from_entropy([7; 32]);
    for letter in [Letter::Invitation(link.clone()), Letter::PasswordChanged] {
        smtp.send(&to, &letter).await.unwrap();
    }
    let letters = server.letters(2);
    assert_eq!(letters[0].to, ["ada@example.org"]);
    let whole = format!("https://manazir.example.org/invitation#{}", link.reveal());
    assert!(letters[0].text.contains(&whole), "{}", letters[0].text);
    assert!(letters[0].text.contains("From: Manazir <manazir@example.org>"), "{}", letters[0].text);
    assert!(letters[1].text.contains("Subject: Your password at Manazir was changed"), "{}", letters[1].text);
}

#[tokio::test]
async fn a_server_that_is_away_is_an_error_and_nothing_worse() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let smtp = Smtp::new(&format!("smtp://{gone}"), "m@example.org", "https://m.example").unwrap();
    let to = Email::parse("ada@example.org").unwrap();
    assert!(smtp.send(&to, &Letter::PasswordChanged).await.is_err());
}

#[tokio::test]
async fn what_cannot_work_is_told_before_anything_is_sent_and_without_the_password() {
    let refused = |server: &str, from: &str| Smtp::check(server, from).unwrap_err();
    let from = "m@example.org";
    assert!(matches!(refused("http://u:s3cret@h", from), Unusable::Open));
    assert!(matches!(refused("smtp://u:s3cret@h", from), Unusable::Open));
    assert!(matches!(refused("h:25", from), Unusable::Server));
    assert!(matches!(refused("smtps://u:s3cret@h", "nobody"), Unusable::Sender(_)));
    let good = Smtp::new("smtps://u:s3cret@h", from, "").unwrap();
    assert!(!format!("{good:?}").contains("s3cret"));
    assert!(Smtp::check("smtp://u:s3cret@h:587?tls=required", from).is_ok());
}
