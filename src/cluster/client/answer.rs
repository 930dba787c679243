//! Checks that a response comes from a Kubernetes API server before anything in it is believed.
//!
//! Proxies, ingresses and load balancers answer in the API server's place with text, HTML or JSON of their own. For kube
//! each of their errors is one of the API, and their 404 for a wrong path would read as "there are no such objects". The
//! API server reports every failure that we have to tell apart as a `Status` object:
//! <https://kubernetes.io/docs/reference/generated/kubernetes-api/v1.37/#status-v1-meta>.

use std::fmt;

use http::{Response, StatusCode, header};
use http_body_util::{BodyExt as _, Either, Limited};
use hyper::body::{Body as HttpBody, Bytes};
use kube::client::Body;
use serde_json::Value;
use thiserror::Error;
use tower::BoxError;
use zeroize::Zeroizing;

/// The longest report of a failure that is read, in bytes. A webhook may quote a whole Secret several times.
const LONGEST: usize = 8 << 20;

/// An answer that does not come from a Kubernetes API server.
#[derive(Error)]
#[error("HTTP {status}")]
pub struct Foreign {
    /// Method and path of the request.
    pub asked: String,
    pub status: u16,
    pub body: ForeignBody,
}

/// What came instead of a Kubernetes object.
pub enum ForeignBody {
    Empty,
    Html,
    /// It can quote the request with its token, so it must never be shown as it is.
    Text(Zeroizing<String>),
}

impl fmt::Debug for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Foreign")
            .field("asked", &self.asked)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A successful response that is not the requested object or list.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct Malformed(pub String);

/// The answer is about a different object from the request.
pub fn another_object() -> Malformed {
    Malformed("it is not about the object that was asked for".to_owned())
}

impl From<Malformed> for kube::Error {
    fn from(malformed: Malformed) -> Self {
        Self::Service(Box::new(malformed))
    }
}

/// Lets successes pass, and failures that a Kubernetes `Status` explains.
pub async fn check<B>(asked: String, response: Response<B>) -> Result<Response<Either<B, Body>>, BoxError>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let (head, body) = response.into_parts();
    let is_html = head.headers.get(header::CONTENT_TYPE).is_some_and(|declared| {
        let declared = declared.as_bytes().to_ascii_lowercase();
        declared.windows(4).any(|part| part == b"html")
    });
    if head.status.is_success() && !is_html {
        return Ok(Response::from_parts(head, Either::Left(body)));
    }
    let body = Zeroizing::new(Limited::new(body, LONGEST).collect().await?.to_bytes().to_vec());
    if let Some(status) = status_object(&body, head.status) {
        return Ok(Response::from_parts(head, Either::Right(Body::from(status))));
    }
    let text = String::from_utf8_lossy(&body);
    let body = match text.trim() {
        "" => ForeignBody::Empty,
        text if is_html || text.starts_with('<') => ForeignBody::Html,
        text => ForeignBody::Text(Zeroizing::new(text.to_owned())),
    };
    Err(Foreign {
        asked,
        status: head.status.as_u16(),
        body,
    }
    .into())
}

/// The `Status` object in `body`, with its code set; `None` where there is none or it is for another HTTP status.
fn status_object(body: &[u8], http: StatusCode) -> Option<Vec<u8>> {
    let mut object: Value = serde_json::from_slice(body).ok()?;
    if object["kind"] != "Status" || object["apiVersion"] != "v1" || object["status"] == "Success" {
        return None;
    }
    match object.get("code").and_then(Value::as_u64) {
        None | Some(0) => object["code"] = http.as_u16().into(),
        Some(code) if code == u64::from(http.as_u16()) => {}
        Some(_) => return None,
    }
    serde_json::to_vec(&object).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_status(body: &str, http: u16) -> bool {
        status_object(body.as_bytes(), StatusCode::from_u16(http).unwrap()).is_some()
    }

    #[test]
    fn only_a_status_object_counts() {
        let status = r#"{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"NotFound","code":404}"#;
        assert!(is_status(status, 404));
        assert!(!is_status(status, 403), "it is about another answer");
        for body in [
            "",
            "404 page not found",
            "{}",
            "[]",
            "null",
            r#""Status""#,
            r#"{"reason":"NotFound","code":404}"#,
            r#"{"kind":"Status","apiVersion":"v2","reason":"NotFound","code":404}"#,
            r#"{"kind":"Status","apiVersion":"v1","status":"Success","code":404}"#,
        ] {
            assert!(!is_status(body, 404), "{body}");
        }
    }

    #[test]
    fn a_status_without_a_code_gets_the_answers() {
        let body = br#"{"kind":"Status","apiVersion":"v1","reason":"NotFound"}"#;
        let status = status_object(body, StatusCode::NOT_FOUND).unwrap();
        let status: Value = serde_json::from_slice(&status).unwrap();
        assert_eq!(status["code"], 404);
    }
}
