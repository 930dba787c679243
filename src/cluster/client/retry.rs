//! Retries while the server is busy, and a time limit: kube's own retries go on for minutes.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use h2::Reason;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::Limited;
use hyper::body::{Body as HttpBody, Bytes, Frame, SizeHint};
use kube::Client;
use kube::client::Body;
use thiserror::Error;
use tokio::time::Sleep;
use tower::BoxError;

use super::answer;
use super::backoff::jittered;

/// How often and how long a request is tried.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// All attempts while the server answers 429, 503 or 504.
    pub tries: u32,
    /// All attempts while there is no connection: someone who forgot the VPN should not wait long.
    pub connection_tries: u32,
    /// The first pause. Each later one is twice as long; jitter shortens each to between a half and the whole.
    pub pause: Duration,
    /// No attempt starts later than this after the cluster's last good answer.
    pub budget: Duration,
    /// For one attempt, like kubectl's `--request-timeout`.
    pub timeout: Option<Duration>,
    /// The connector's limit for connecting.
    pub connect_timeout: Duration,
    /// The longest answer that is read, in octets: a page of a list has a few megabytes.
    pub longest_answer: usize,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            tries: 5,
            connection_tries: 3,
            pause: Duration::from_millis(200),
            budget: Duration::from_secs(10),
            timeout: None,
            connect_timeout: Duration::MAX,
            longest_answer: 128 << 20,
        }
    }
}

/// No answer within this time.
#[derive(Debug, Error)]
#[error("no answer within {} s", .0.as_secs_f32())]
pub struct TimedOut(pub Duration);

/// Whether the answer to an attempt was lost, after which the server may have done what it was asked for. It goes with a
/// request, as an extension.
#[derive(Clone, Debug, Default)]
pub struct LostAnswer(Arc<AtomicBool>);

impl LostAnswer {
    pub fn is_noted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn note(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A body that has to arrive whole within this time: one that comes byte by byte would never end otherwise.
struct Timed {
    body: Body,
    end: Option<(Duration, Pin<Box<Sleep>>)>,
}

impl Timed {
    fn new(body: Body, limit: Option<Duration>) -> Self {
        let end = limit.map(|limit| (limit, Box::pin(tokio::time::sleep(limit))));
        Self { body, end }
    }
}

impl HttpBody for Timed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut limit = None;
        if let Some((after, end)) = &mut self.end {
            limit = Some(*after);
            if end.as_mut().poll(context).is_ready() {
                return Poll::Ready(Some(Err(TimedOut(*after).into())));
            }
        }
        Pin::new(&mut self.body)
            .poll_frame(context)
            .map_err(|error| match limit.filter(|_| is_timeout(&error)) {
                Some(limit) => TimedOut(limit).into(),
                None => error.into(),
            })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Since when nothing has worked. All requests to one cluster share it, so that two hundred targets do not each wait
/// for a dead server.
#[derive(Default)]
struct Health(Mutex<Option<Instant>>);

impl Health {
    fn well(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn ill_for(&self) -> Duration {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(Instant::now)
            .elapsed()
    }
}

/// Adds the policy to the client.
pub fn client(inner: Client, policy: Policy) -> Client {
    let namespace = inner.default_namespace().to_owned();
    let health = Arc::new(Health::default());
    let service = tower::service_fn(move |request: Request<Body>| {
        let asked = format!("{} {}", request.method(), request.uri().path());
        // The server ends a watch itself, after the time that it was asked for.
        let is_watch = request.uri().query().is_some_and(|query| query.contains("watch="));
        let limit = policy.timeout.filter(|_| !is_watch);
        let sending = send(inner.clone(), policy, health.clone(), request);
        async move {
            let answer = sending.await?.map(|body| Timed::new(body, limit));
            let answer = answer::check(asked, answer).await?;
            Ok::<_, BoxError>(answer.map(|body| Limited::new(body, policy.longest_answer)))
        }
    });
    Client::new(service, namespace)
}

async fn send(
    client: Client,
    policy: Policy,
    health: Arc<Health>,
    request: Request<Body>,
) -> Result<Response<Body>, BoxError> {
    let (parts, body) = request.into_parts();
    let mut tries = 0;
    loop {
        tries += 1;
        let Some(copy) = body.try_clone() else {
            return Ok(client.send(Request::from_parts(parts, body)).await?);
        };
        let answer = match policy.timeout {
            None => client.send(Request::from_parts(parts.clone(), copy)).await,
            Some(limit) => {
                let sending = client.send(Request::from_parts(parts.clone(), copy));
                // The server had its time; another attempt would only double the wait.
                tokio::time::timeout(limit, sending)
                    .await
                    .map_err(|_| TimedOut(limit))?
            }
        };
        if answer.as_ref().is_err_and(is_timeout) {
            // As above: after such a silence there is no retry.
            return Err(TimedOut(policy.connect_timeout).into());
        }
        let backoff = jittered(policy.pause * 2_u32.saturating_pow(tries - 1));
        let pause = match &answer {
            Ok(response) if is_busy(response.status()) => {
                (tries < policy.tries).then(|| retry_after(response).unwrap_or(backoff))
            }
            Ok(_) => {
                health.well();
                return Ok(answer?);
            }
            Err(error) => {
                let is_harmless = parts.method != Method::POST || has_not_begun(error);
                (tries < policy.connection_tries && is_harmless).then_some(backoff)
            }
        };
        let ill_for = health.ill_for();
        // The server chooses the pause, so it can be any number.
        let Some(pause) = pause.filter(|pause| ill_for.saturating_add(*pause) <= policy.budget) else {
            return Ok(answer?);
        };
        if let Some(lost) = parts.extensions.get::<LostAnswer>()
            && may_be_done(&answer)
        {
            lost.note();
        }
        tokio::time::sleep(pause).await;
    }
}

/// Whether the server may have done what it was asked for, although nothing says so.
fn may_be_done(answer: &Result<Response<Body>, kube::Error>) -> bool {
    match answer {
        // Of a gateway, which gave up on the server's answer; 429 comes before anything is done.
        Ok(response) => response.status() != StatusCode::TOO_MANY_REQUESTS,
        Err(error) => !has_not_begun(error),
    }
}

/// Whether the connector ran out of time: while it resolved the name, connected, or shook hands.
fn is_timeout(error: &kube::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        let io: Option<&std::io::Error> = error.downcast_ref();
        if io.is_some_and(|error| error.kind() == std::io::ErrorKind::TimedOut) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Whether the server says that it has done nothing for the request (RFC 9113, 8.7): it ends the connection, as
/// `kube-apiserver --goaway-chance` does, or refuses the stream.
fn has_not_begun(error: &kube::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            return error.is_remote() && (error.is_go_away() || error.reason() == Some(Reason::REFUSED_STREAM));
        }
        cause = error.source();
    }
    false
}

fn is_busy(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    )
}

/// The API server gives seconds, never a date.
fn retry_after(response: &Response<Body>) -> Option<Duration> {
    let seconds = response
        .headers()
        .get(header::RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A server that gives `answers` one after the other, then repeats the last.
    fn server(answers: &'static [Result<(u16, Option<&str>), ()>]) -> (Client, Arc<AtomicU32>) {
        let count = Arc::new(AtomicU32::new(0));
        let counter = count.clone();
        let service = tower::service_fn(move |_: Request<Body>| {
            let at = counter.fetch_add(1, Ordering::SeqCst) as usize;
            let answer = answers[at.min(answers.len() - 1)];
            async move {
                let (status, retry_after) = answer.map_err(|()| BoxError::from("connection reset"))?;
                let mut response = Response::builder().status(status);
                if let Some(seconds) = retry_after {
                    response = response.header(header::RETRY_AFTER, seconds);
                }
                let body = match status {
                    400.. => format!(r#"{{"kind":"Status","apiVersion":"v1","code":{status}}}"#),
                    _ => String::new(),
                };
                Ok::<_, BoxError>(response.body(Body::from(body.into_bytes()))?)
            }
        });
        (Client::new(service, "default"), count)
    }

    fn quick() -> Policy {
        Policy {
            pause: Duration::from_millis(1),
            ..Policy::default()
        }
    }

    fn run(answers: &'static [Result<(u16, Option<&str>), ()>], policy: Policy, method: Method) -> (Option<u16>, u32) {
        crate::cluster::block_on(async {
            let (inner, count) = server(answers);
            let request = Request::builder().method(method).uri("/").body(Body::empty()).unwrap();
            let answer = client(inner, policy).send(request).await;
            (
                answer.ok().map(|response| response.status().as_u16()),
                count.load(Ordering::SeqCst),
            )
        })
        .unwrap()
    }

    #[test]
    fn a_busy_server_gets_a_few_more_tries() {
        assert_eq!(
            run(
                &[Ok((503, None)), Ok((429, Some("0"))), Ok((200, None))],
                quick(),
                Method::GET
            ),
            (Some(200), 3)
        );
        assert_eq!(run(&[Ok((503, None))], quick(), Method::PATCH), (Some(503), 5));
        assert_eq!(
            run(&[Ok((500, None))], quick(), Method::GET),
            (Some(500), 1),
            "500 is an answer"
        );
    }

    #[test]
    fn a_pause_longer_than_the_budget_is_not_waited_for() {
        assert_eq!(run(&[Ok((429, Some("3600")))], quick(), Method::GET), (Some(429), 1));
        let longest: &'static [_] = &[Ok((429, Some("18446744073709551615")))];
        assert_eq!(run(longest, quick(), Method::GET), (Some(429), 1));
    }

    #[test]
    fn lost_connections_are_tried_again_unless_it_was_a_post() {
        assert_eq!(run(&[Err(()), Ok((200, None))], quick(), Method::PATCH), (Some(200), 2));
        assert_eq!(run(&[Err(())], quick(), Method::GET), (None, 3));
        assert_eq!(run(&[Err(())], quick(), Method::POST), (None, 1));
    }

    fn is_lost(answers: &'static [Result<(u16, Option<&str>), ()>]) -> bool {
        let lost = LostAnswer::default();
        let noted = lost.clone();
        let answer = crate::cluster::block_on(async {
            let (inner, _) = server(answers);
            let request = Request::builder().method(Method::PATCH).uri("/").extension(noted);
            client(inner, quick()).send(request.body(Body::empty()).unwrap()).await
        });
        assert_eq!(answer.unwrap().unwrap().status(), 409);
        lost.is_noted()
    }

    #[test]
    fn a_lost_answer_is_noted() {
        assert!(is_lost(&[Err(()), Ok((409, None))]));
        assert!(is_lost(&[Ok((504, None)), Ok((409, None))]));
        assert!(!is_lost(&[Ok((429, Some("0"))), Ok((409, None))]));
        assert!(!is_lost(&[Ok((409, None))]));
    }

    #[test]
    fn after_the_budget_every_request_is_tried_once() {
        let count = crate::cluster::block_on(async {
            let (inner, count) = server(&[Ok((503, None))]);
            let client = client(
                inner,
                Policy {
                    budget: Duration::from_millis(3),
                    ..quick()
                },
            );
            for _ in 0..20 {
                let request = Request::builder().uri("/").body(Body::empty()).unwrap();
                assert_eq!(client.send(request).await.unwrap().status(), 503);
            }
            count.load(Ordering::SeqCst)
        });
        assert!(count.unwrap() <= 20 + 4);
    }

    #[test]
    fn who_keeps_a_connection_waiting_is_not_asked_again() {
        let count = Arc::new(AtomicU32::new(0));
        let counter = count.clone();
        let inner = tower::service_fn(move |_: Request<Body>| {
            counter.fetch_add(1, Ordering::SeqCst);
            async { Err::<Response<Body>, _>(std::io::Error::from(std::io::ErrorKind::TimedOut)) }
        });
        let policy = Policy {
            connect_timeout: Duration::from_secs(7),
            ..quick()
        };
        let error = crate::cluster::block_on(async {
            let request = Request::builder().uri("/").body(Body::empty()).unwrap();
            client(Client::new(inner, "default"), policy).send(request).await
        });
        let error = crate::cluster::client::call::transport("https://api".to_owned(), &error.unwrap().err().unwrap());
        assert_eq!(
            error.to_string(),
            "the API server https://api did not answer within 7 s"
        );
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn an_answer_without_end_is_not_read_to_the_end() {
        let inner = tower::service_fn(|_: Request<Body>| async {
            Ok::<_, BoxError>(Response::new(Body::from(vec![b' '; 1000])))
        });
        let policy = Policy {
            longest_answer: 999,
            ..quick()
        };
        let error = crate::cluster::block_on(async {
            let request = Request::builder().uri("/").body(Vec::new()).unwrap();
            client(Client::new(inner, "default"), policy)
                .request_text(request)
                .await
        });
        let error = crate::cluster::client::call::transport("https://api".to_owned(), &error.unwrap().unwrap_err());
        assert_eq!(
            error.to_string(),
            "the answer of the API server https://api cannot be read: it is too long"
        );
    }
}
