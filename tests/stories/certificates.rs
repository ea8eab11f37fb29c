//! Hosts whose certificate no CA of this machine has signed.

use std::io::Write;
use std::sync::Arc;

use gateway_core::sync::RunState;
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rstest::rstest;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_rustls::TlsAcceptor;

use crate::world::World;

const EXPIRED: (i32, i32) = (2020, 2021);
const IN_TIME: (i32, i32) = (2020, 2096);

/// What a host shows, with its key.
struct Shown {
    chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

fn params(name: &str, alternative: &[&str], (from, until): (i32, i32)) -> CertificateParams {
    let names = alternative.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) =
        (rcgen::date_time_ymd(from, 1, 1), rcgen::date_time_ymd(until, 1, 1));
    params
}

fn authority(name: &str) -> CertificateParams {
    signing(params(name, &[], IN_TIME))
}

fn signing(mut params: CertificateParams) -> CertificateParams {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// As `openssl req -x509` makes it: it signed itself and says that it is a CA.
fn self_signed(name: &str, alternative: &[&str], time: (i32, i32)) -> (Certificate, Shown) {
    let key = KeyPair::generate().expect("a key");
    let certificate = signing(params(name, alternative, time)).self_signed(&key).expect("a certificate");
    let chain = vec![certificate.der().clone()];
    (certificate, Shown { chain, key })
}

/// A root, an intermediate, and a host that shows its own certificate alone.
fn without_intermediate() -> ([Certificate; 2], Shown) {
    let keys: [KeyPair; 3] = std::array::from_fn(|_| KeyPair::generate().expect("a key"));
    let [root_key, middle_key, key] = keys;
    let root = authority("root").self_signed(&root_key).expect("a root");
    let root_issuer = Issuer::new(authority("root"), root_key);
    let middle = authority("middle").signed_by(&middle_key, &root_issuer).expect("an intermediate");
    let middle_issuer = Issuer::new(authority("middle"), middle_key);
    let leaf = params("leaf", &["localhost"], IN_TIME).signed_by(&key, &middle_issuer).expect("a leaf");
    ([root, middle], Shown { chain: vec![leaf.der().clone()], key })
}

/// A world whose INT6 stands behind TLS.
struct Guarded {
    world: World,
    _ca_file: tempfile::NamedTempFile,
}

/// With these certificates in the CA file; without any there is none.
async fn guarded(shown: Shown, ca_file: &[&Certificate]) -> Guarded {
    let mut world = World::empty().await;
    world.client("147");
    world.reading("147", json!(-21.53));
    let key = PrivateKeyDer::try_from(shown.key.serialize_der()).expect("a key");
    let tls =
        ServerConfig::builder().with_no_client_auth().with_single_cert(shown.chain, key).expect("a host");
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let plain = world.sandbox.int6_url().trim_start_matches("http://").trim_end_matches('/').to_owned();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, plain) = (acceptor.clone(), plain.clone());
            tokio::spawn(async move {
                // A handshake that the gateway breaks off is what most of these stories are about.
                let Ok(mut outside) = acceptor.accept(socket).await else { return };
                let mut inside = TcpStream::connect(plain).await.expect("the pretend INT6");
                let _ = copy_bidirectional(&mut outside, &mut inside).await;
            });
        }
    });
    world.set("INT6_URL", &format!("https://localhost:{port}"));
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    for certificate in ca_file {
        file.write_all(certificate.pem().as_bytes()).expect("a file");
        world.set("INT6_CA_FILE", &file.path().display().to_string());
    }
    Guarded { world, _ca_file: file }
}

async fn accepted(Guarded { world, .. }: Guarded) {
    let report = world.sync().await;
    assert_eq!((report.state, report.error, world.held("147").0), (RunState::Finished, None, json!(-21.53)));
}

async fn refused(Guarded { world, .. }: Guarded, told: &str) {
    let report = world.sync().await;
    let error = report.error.unwrap_or_default();
    assert_eq!((report.state, world.writes()), (RunState::Failed, 0), "{error}");
    assert!(error.starts_with("INT6, request a token: the host's certificate "), "{error}");
    assert!(error.contains(told), "{error}");
}

#[rstest]
#[case::with_its_host_as_an_alternative_name("any", &["localhost"])]
#[case::with_its_host_as_its_only_name("localhost", &[])]
#[tokio::test]
async fn a_certificate_that_signed_itself_is_accepted_if_it_is_the_one_in_the_file(
    #[case] name: &str,
    #[case] alternative: &[&str],
) {
    let (certificate, shown) = self_signed(name, alternative, IN_TIME);
    accepted(guarded(shown, &[&certificate]).await).await;
}

#[rstest]
#[case::of_another_host("any", &["isp.example"], IN_TIME, "is for ")]
#[case::of_another_host_by_its_only_name("isp.example", &[], IN_TIME, "is for isp.example and not for localhost")]
#[case::that_has_expired("any", &["localhost"], EXPIRED, "expired on 2021-01-01")]
#[tokio::test]
async fn the_one_in_the_file_is_refused_out_of_its_place_and_time(
    #[case] name: &str,
    #[case] alternative: &[&str],
    #[case] time: (i32, i32),
    #[case] told: &str,
) {
    let (certificate, shown) = self_signed(name, alternative, time);
    refused(guarded(shown, &[&certificate]).await, told).await;
}

#[tokio::test]
async fn another_certificate_for_the_same_host_is_refused() {
    let (certificate, _) = self_signed("localhost", &["localhost"], IN_TIME);
    let (_, shown) = self_signed("localhost", &["localhost"], IN_TIME);
    refused(guarded(shown, &[&certificate]).await, "as INT6_CA_FILE").await;
}

#[tokio::test]
async fn a_chain_without_its_intermediate_is_told_with_the_setting_that_helps_and_the_setting_does() {
    let ([root, middle], shown) = without_intermediate();
    let chain = shown.chain.clone();
    let key = KeyPair::try_from(shown.key.serialize_der().as_slice()).expect("a key");
    let told = "is issued by \"middle\", whose certificate the host does not send and this machine does not have (UnknownIssuer): the \
                chain lacks its intermediate certificate";
    let helps = "give the missing intermediate certificate, or the CA, as INT6_CA_FILE";
    let again = Shown {
        chain: chain.clone(),
        key: KeyPair::try_from(shown.key.serialize_der().as_slice()).expect("a key"),
    };
    refused(guarded(again, &[&root]).await, told).await;
    refused(guarded(shown, &[]).await, helps).await;
    accepted(guarded(Shown { chain, key }, &[&root, &middle]).await).await;
}

#[tokio::test]
async fn doctor_tells_a_certificate_from_a_network() {
    let (_, shown) = without_intermediate();
    let Guarded { world, .. } = guarded(shown, &[]).await;
    let mut doctor = Command::new(env!("CARGO_BIN_EXE_int6-ozmap-gateway"));
    let output =
        doctor.arg("doctor").env_clear().envs(world.settings()).output().await.expect("it can be started");
    let told = String::from_utf8(output.stdout).expect("text");
    assert!(told.contains("as INT6_CA_FILE"), "{told}");
    assert!(told.contains("remedy: the certificate is at fault, not the network"), "{told}");
}
