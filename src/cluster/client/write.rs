//! Writes to the API server. A write whose answer was lost is sent again, and can meet its own work.

use http::Request;
use kube::core::request::Error as RequestError;
use serde::de::DeserializeOwned;

use super::connect::Cluster;
use super::retry::LostAnswer;

/// The answer to a write.
pub struct Written<T> {
    pub answer: Result<T, kube::Error>,
    /// An attempt before the one that was answered may have done it: a conflict can be with what we did ourselves.
    pub may_be_done: bool,
}

impl Cluster {
    /// Sends a write.
    pub(in crate::cluster) async fn write<T: DeserializeOwned>(
        &self,
        request: Result<Request<Vec<u8>>, RequestError>,
    ) -> Written<T> {
        let lost = LostAnswer::default();
        let answer = match request {
            Ok(mut request) => {
                request.extensions_mut().insert(lost.clone());
                self.client().request(request).await
            }
            Err(error) => Err(kube::Error::BuildRequest(error)),
        };
        Written {
            answer,
            may_be_done: lost.is_noted(),
        }
    }
}
