//! Requests of a connection are counted from their head to the last byte of the answer.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{Request, Response};
use futures::FutureExt;
use futures::future::BoxFuture;
use http_body::{Frame, SizeHint};
use tower::Service;

use super::connections::{AtWork, ConnectionPlace};

/// A service that says when a request is under way.
#[derive(Clone)]
pub struct Counted<S> {
    service: S,
    place: Arc<ConnectionPlace>,
}

impl<S> Counted<S> {
    pub(super) fn new(service: S, place: Arc<ConnectionPlace>) -> Counted<S> {
        Counted { service, place }
    }
}

impl<S, B> Service<Request<B>> for Counted<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let at_work = self.place.at_work();
        let answer = self.service.call(request);
        async move {
            let answer = answer.await?;
            Ok(answer.map(|body| Body::new(CountedBody { body, _at_work: at_work })))
        }
        .boxed()
    }
}

/// A body whose request is under way until it was sent.
struct CountedBody {
    body: Body,
    _at_work: AtWork,
}

impl HttpBody for CountedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
