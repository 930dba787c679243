//! PEM, authorities, servers' certificates and client certificates.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use regcred::tls::{Authorities, Identity, IdentityError};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use serde_json::{Value, json};

use crate::support::oracle::{ask, assert_none, bytes, generated};
use crate::support::parts::ORACLE;

/// A certificate that is its own issuer.
fn itself(change: impl FnOnce(&mut CertificateParams)) -> (Certificate, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["gitea.example.com".to_owned()]).unwrap();
    change(&mut params);
    (params.self_signed(&key).unwrap(), Issuer::new(params, key))
}

fn issued(issuer: &Issuer<'static, KeyPair>, change: impl FnOnce(&mut CertificateParams)) -> (Certificate, KeyPair) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["gitea.example.com".to_owned()]).unwrap();
    change(&mut params);
    (params.signed_by(&key, issuer).unwrap(), key)
}

fn named(name: &str) -> impl Fn(&mut CertificateParams) {
    move |params| {
        params.distinguished_name.push(DnType::CommonName, name.to_owned());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
}

scenario!(pem_of_authorities, needs(ORACLE));
fn pem_of_authorities() {
    let (one, _) = itself(named("one"));
    let (two, _) = itself(named("two"));
    let body = |certificate: &Certificate| {
        certificate
            .pem()
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let pieces = vec![
        one.pem(),
        two.pem().replace('\n', "\r\n"),
        body(&one),
        body(&two).replace('\n', ""),
        "-----BEGIN CERTIFICATE-----".to_owned(),
        "-----END CERTIFICATE-----".to_owned(),
        "-----BEGIN TRUSTED CERTIFICATE-----".to_owned(),
        "-----END TRUSTED CERTIFICATE-----".to_owned(),
        "-----BEGIN CERTIFICATE-----  ".to_owned(),
        "-----END CERTIFICATE----- x".to_owned(),
        "Proc-Type: 4,ENCRYPTED\n".to_owned(),
        "subject=CN = one".to_owned(),
        "YWJj".to_owned(),
        "!".to_owned(),
        " ".to_owned(),
        String::new(),
    ];
    let separators = select(vec!["\n", "\n", "\n", "\r\n", "", " "]);
    let inputs = generated(&vec((select(pieces), separators), 0..7).prop_map(|parts| {
        parts
            .iter()
            .fold(String::new(), |text, (piece, separator)| text + piece + separator)
    }));
    let questions: Vec<_> = inputs
        .iter()
        .map(|text| json!({"ask": "authorities", "text": bytes(text)}))
        .collect();
    let differences = inputs.iter().zip(ask(&questions)).filter_map(|(text, go)| {
        let ours = Authorities::parse(text.as_bytes()).map(drop);
        (ours.is_ok() != go.is_ok()).then(|| format!("{text:?}: Go {go:?}, ours {ours:?}"))
    });
    assert_none(inputs.len(), differences.collect());
}

/// Certificates in a row, with what they are.
type Named = (&'static str, Vec<Certificate>);

/// What a client trusts, and what servers show.
fn trusted_and_shown() -> (Vec<Named>, Vec<Named>) {
    let (authority, issuer) = itself(named("authority"));
    let (other, _) = itself(named("another authority"));
    let (self_signed_authority, _) = itself(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let (self_signed, _) = itself(|_| {});
    let (self_signed_for_clients, _) =
        itself(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth]);
    let (self_signed_for_any, _) = itself(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Any]);
    let (expired_authority, expired_issuer) = itself(|params| {
        named("expired authority")(params);
        (params.not_before, params.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2020, 1, 1));
    });
    let (no_signer, no_signer_issuer) = itself(|params| {
        named("authority that signs nothing")(params);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    });
    let (not_authority, not_authority_issuer) = itself(|params| {
        params.distinguished_name.push(DnType::CommonName, "no authority");
        params.is_ca = IsCa::ExplicitNoCa;
    });
    let between_key = KeyPair::generate().unwrap();
    let mut between_params = CertificateParams::default();
    named("in between")(&mut between_params);
    let between = between_params.signed_by(&between_key, &issuer).unwrap();
    let between_issuer = Issuer::new(between_params, between_key);

    let leaf = issued(&issuer, |_| {}).0;
    let for_name = |name: &str| {
        let params_for_name = CertificateParams::new(vec![name.to_owned()]).unwrap();
        issued(&issuer, |params| *params = params_for_name).0
    };
    let no_name = issued(&issuer, |params| {
        *params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "gitea.example.com");
    })
    .0;
    let expired = issued(&issuer, |params| params.not_after = date_time_ymd(2020, 1, 1)).0;
    let future = issued(&issuer, |params| params.not_before = date_time_ymd(2200, 1, 1)).0;
    let for_use = |usage| issued(&issuer, |params| params.extended_key_usages = vec![usage]).0;
    let by_between = issued(&between_issuer, |_| {}).0;
    let by_expired = issued(&expired_issuer, |_| {}).0;
    let by_no_signer = issued(&no_signer_issuer, |_| {}).0;
    let by_not_authority = issued(&not_authority_issuer, |_| {}).0;

    let trusted = vec![
        ("the authority", vec![authority.clone()]),
        ("another authority", vec![other.clone()]),
        ("both", vec![other.clone(), authority]),
        ("a self-signed authority", vec![self_signed_authority.clone()]),
        ("a self-signed leaf", vec![self_signed.clone()]),
        ("a self-signed leaf for clients", vec![self_signed_for_clients.clone()]),
        ("a self-signed leaf for any use", vec![self_signed_for_any.clone()]),
        ("the leaf itself", vec![leaf.clone()]),
        ("an expired leaf", vec![expired.clone()]),
        ("an expired authority", vec![expired_authority.clone()]),
        ("an authority that signs nothing", vec![no_signer.clone()]),
        ("no authority", vec![not_authority.clone()]),
        ("one in between", vec![between.clone()]),
    ];
    let shown = vec![
        ("leaf", vec![leaf]),
        ("leaf for an address", vec![for_name("10.1.2.3")]),
        ("wildcard", vec![for_name("*.example.com")]),
        ("no name", vec![no_name]),
        ("expired", vec![expired]),
        ("future", vec![future]),
        ("for clients", vec![for_use(ExtendedKeyUsagePurpose::ClientAuth)]),
        ("for servers", vec![for_use(ExtendedKeyUsagePurpose::ServerAuth)]),
        ("by one in between", vec![by_between.clone(), between]),
        ("by one in between that is missing", vec![by_between.clone()]),
        ("by an expired authority", vec![by_expired, expired_authority]),
        ("by an authority that signs nothing", vec![by_no_signer, no_signer]),
        ("by no authority", vec![by_not_authority, not_authority]),
        ("self-signed authority", vec![self_signed_authority]),
        ("self-signed leaf", vec![self_signed]),
        ("self-signed for clients", vec![self_signed_for_clients]),
        ("self-signed for any use", vec![self_signed_for_any]),
    ];
    (trusted, shown)
}

scenario!(servers_certificates, needs(ORACLE));
fn servers_certificates() {
    let names = [
        "gitea.example.com",
        "other.example.com",
        "a.gitea.example.com",
        "10.1.2.3",
        "10.1.2.4",
    ];
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let times = [now, Duration::from_secs(1_500_000_000)];

    let pem = |certificates: &[Certificate]| certificates.iter().map(Certificate::pem).collect::<String>();
    let (trusted, shown) = trusted_and_shown();
    let mut inputs = Vec::new();
    for (trusts, trusted) in &trusted {
        for (shows, chain) in &shown {
            for name in names {
                inputs.extend(times.map(|time| (*trusts, *shows, pem(trusted), chain, name, time)));
            }
        }
    }
    let questions: Vec<_> = inputs
        .iter()
        .map(|(_, _, trusted, chain, name, time)| {
            json!({
                "ask": "certificate", "authorities": bytes(trusted), "chain": bytes(pem(chain)), "name": name,
                "now": time.as_secs()
            })
        })
        .collect();
    let answers = ask(&questions);
    // Go takes some of them, and not for want of a question that it could.
    assert!(answers.iter().filter(|answer| answer.is_ok()).count() > 20);
    let differences = inputs
        .iter()
        .zip(answers)
        .filter_map(|((trusts, shows, trusted, chain, name, time), go)| {
            let chain: Vec<CertificateDer<'_>> = chain.iter().map(|certificate| certificate.der().clone()).collect();
            let ours = Authorities::parse(trusted.as_bytes()).unwrap().verify(
                &chain[0],
                &chain[1..],
                &ServerName::try_from(*name).unwrap(),
                UnixTime::since_unix_epoch(*time),
            );
            (ours.is_ok() != go.is_ok()).then(|| {
                format!(
                    "trusting {trusts}, shown {shows} for {name} at {}: Go {go:?}, ours {ours:?}",
                    time.as_secs()
                )
            })
        });
    assert_none(inputs.len(), differences.collect());
}

/// `openssl` with these arguments, in this folder.
fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "openssl {arguments}: {output:?}");
}

scenario!(client_certificates, needs(ORACLE, "openssl"));
fn client_certificates() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let read = |name: &str| std::fs::read_to_string(at.join(name)).unwrap();
    openssl(
        at,
        "req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=ca",
    );
    for (name, kind) in [
        ("rsa", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048"),
        ("rsa1024", "-algorithm RSA -pkeyopt rsa_keygen_bits:1024"),
        ("p256", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256"),
        ("p384", "-algorithm EC -pkeyopt ec_paramgen_curve:P-384"),
        ("p521", "-algorithm EC -pkeyopt ec_paramgen_curve:P-521"),
        ("ed25519", "-algorithm ED25519"),
    ] {
        openssl(at, &format!("genpkey {kind} -out {name}.key"));
        openssl(
            at,
            &format!("req -new -key {name}.key -out {name}.csr -subj /CN={name}"),
        );
        // Without extensions this is an X.509 certificate of version 1.
        openssl(
            at,
            &format!("x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out {name}.pem -days 2"),
        );
    }
    openssl(at, "ecparam -name prime256v1 -genkey -out sec1.key");
    openssl(at, "req -new -x509 -key sec1.key -out sec1.pem -days 2 -subj /CN=sec1");
    openssl(at, "rsa -in rsa.key -traditional -out pkcs1.key");
    openssl(at, "pkey -in p256.key -aes256 -passout pass:x -out encrypted.key");
    openssl(at, "ec -in sec1.key -no_public -out private-only.key");

    let mislabelled = read("pkcs1.key").replace("RSA PRIVATE KEY", "PRIVATE KEY");
    let sec1_mislabelled = read("sec1.key").replace("EC PRIVATE KEY", "PRIVATE KEY");
    let mut cases: Vec<(&str, String, String)> = vec![
        ("PKCS#1", read("rsa.pem"), read("pkcs1.key")),
        ("PKCS#1 under PRIVATE KEY", read("rsa.pem"), mislabelled),
        ("SEC1 with its parameters", read("sec1.pem"), read("sec1.key")),
        ("SEC1 under PRIVATE KEY", read("sec1.pem"), sec1_mislabelled),
        (
            "SEC1 without its public key",
            read("sec1.pem"),
            read("private-only.key"),
        ),
        ("an encrypted key", read("p256.pem"), read("encrypted.key")),
        ("another's key", read("p256.pem"), read("sec1.key")),
        ("no key", read("p256.pem"), String::new()),
        ("no certificate", String::new(), read("p256.key")),
        (
            "certificate and key in one file",
            read("p256.pem") + &read("p256.key"),
            read("p256.pem") + &read("p256.key"),
        ),
        (
            "a broken certificate",
            read("p256.pem").replacen("MII", "AII", 1),
            read("p256.key"),
        ),
        ("with its authority", read("rsa.pem") + &read("ca.pem"), read("rsa.key")),
        ("authority first", read("ca.pem") + &read("rsa.pem"), read("rsa.key")),
    ];
    for name in ["rsa", "rsa1024", "p256", "p384", "p521", "ed25519"] {
        cases.push((name, read(&format!("{name}.pem")), read(&format!("{name}.key"))));
    }
    let questions: Vec<Value> = cases
        .iter()
        .map(|(_, certificate, key)| json!({"ask": "key-pair", "certificate": bytes(certificate), "key": bytes(key)}))
        .collect();
    // What Go's own cryptography signs with and ring's does not. Each is told by its cause.
    let not_ours = |name: &str, error: Option<IdentityError>| {
        matches!(
            (name, error),
            ("p521", Some(IdentityError::Curve("P-521")))
                | ("rsa1024", Some(IdentityError::RsaLength(1024)))
                | ("SEC1 without its public key", Some(IdentityError::NoPublicKey))
        )
    };
    let differences = cases
        .iter()
        .zip(ask(&questions))
        .filter_map(|((name, certificate, key), go)| {
            let ours = Identity::parse(certificate.as_bytes(), key.as_bytes()).map(drop);
            let same = ours.is_ok() == go.is_ok() || not_ours(name, ours.err());
            (!same).then(|| format!("{name}: Go {go:?}, ours {ours:?}"))
        });
    assert_none(cases.len(), differences.collect());
}
