//! Reading a list to its end.

use std::future::Future;

use super::Aws;
use crate::kind::CloudError;

/// Every page of a list, in order. `page` sends one call with the token it is given; `next` reads the token of the following page off an
/// answer (an empty one counts as none). Each page is repeated as [`Aws::read`] does.
pub async fn pages<P, F>(
    aws: &Aws,
    action: &'static str,
    page: impl Fn(Option<String>) -> F + Send + Sync,
    next: impl Fn(&P) -> Option<&str> + Send + Sync,
) -> Result<Vec<P>, CloudError>
where
    P: Send,
    F: Future<Output = Result<P, CloudError>> + Send,
{
    let mut pages = Vec::new();
    let mut token = None;
    loop {
        let answer = aws.read(action, || page(token.clone())).await?;
        token = next(&answer)
            .filter(|token| !token.is_empty())
            .map(str::to_owned);
        pages.push(answer);
        if token.is_none() {
            return Ok(pages);
        }
    }
}
