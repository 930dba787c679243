//! Handing a request on to another server, and its answer back.

use std::error::Error;

use bytes::Bytes;
use http::header::{CONNECTION, HeaderName, TRANSFER_ENCODING};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::http::{Answer, Request};

/// Sends the request over `stream`, with `header` in place of its own, in memory: what tests send is small. Where the
/// other server hangs up, the client's connection is closed too.
pub async fn forward(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request,
    header: (HeaderName, String),
) -> Answer {
    try_forward(stream, request, header)
        .await
        .unwrap_or_else(|_| Answer::none())
}

async fn try_forward(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request,
    header: (HeaderName, String),
) -> Result<Answer, Box<dyn Error + Send + Sync>> {
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let query = if request.query.is_empty() {
        String::new()
    } else {
        format!("?{}", request.query)
    };
    let mut builder = http::Request::builder()
        .method(request.method)
        .uri(format!("{}{query}", request.path))
        .header(&header.0, header.1);
    for (name, value) in &request.headers {
        if ![&header.0, &CONNECTION, &TRANSFER_ENCODING].contains(&name) {
            builder = builder.header(name, value);
        }
    }
    let reply = sender
        .send_request(builder.body(Full::<Bytes>::new(request.body))?)
        .await?;
    let (head, body) = reply.into_parts();
    let mut answer = Answer::new(head.status.as_u16(), "", body.collect().await?.to_bytes());
    for (name, value) in &head.headers {
        if ![CONNECTION, TRANSFER_ENCODING].contains(name) {
            answer = answer.with(name.as_str(), value.to_str()?);
        }
    }
    Ok(answer)
}
