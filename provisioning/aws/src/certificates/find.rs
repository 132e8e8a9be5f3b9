//! Which certificates are ours. They have no names: domains and tags tell.

use aws_sdk_acm::{
    Client,
    types::{CertificateDetail, CertificateStatus, CertificateSummary},
};
use futures::future::try_join_all;
use jewel_engine::{Failure, Memo, Ownership};

use crate::{Clients, DomainSpec, StackSpec, classify, failure::optional, tags::Tags};

/// The certificates of the stack.
#[derive(Debug, Clone)]
pub(super) struct Certificates {
    pub(super) client: Client,
    pub(super) domain: String,
    pub(super) tags: Tags,
}

impl Certificates {
    pub(super) fn new(spec: &StackSpec, clients: &Clients, domain: &DomainSpec) -> Self {
        Self { client: clients.acm.clone(), domain: domain.name.clone(), tags: Tags::new(spec, "certificate") }
    }

    /// Those that carry our tags; asked once in a pass. Others' are asked for theirs only when they could be ours:
    /// they are for our domain, or nothing uses them.
    pub(super) async fn ours(&self, memo: &Memo) -> Result<std::sync::Arc<Vec<CertificateSummary>>, Failure> {
        memo.once("certificates", async {
            let all = self.list().await?;
            let possible = all.into_iter().filter(|one| self.is_for_domain(one) || one.in_use() != Some(true));
            let marked = try_join_all(possible.map(|one| async {
                let list = self.client.list_tags_for_certificate().certificate_arn(arn_of(&one));
                let sent = list.send().await.map_err(|error| classify("read the tags of a certificate", error));
                let tags = optional(sent)?.and_then(|answer| answer.tags).unwrap_or_default();
                let owner = self.tags.ownership(tags.iter().map(|tag| (tag.key(), tag.value().unwrap_or_default())));
                Ok::<_, Failure>((owner == Ownership::Ours).then_some(one))
            }));
            Ok(marked.await?.into_iter().flatten().collect())
        })
        .await
    }

    /// The one to use for the domain: issued before pending, pending before failed, and of equals the newest.
    pub(super) async fn current(&self, memo: &Memo) -> Result<Option<CertificateSummary>, Failure> {
        let ours = self.ours(memo).await?;
        let age = |one: &CertificateSummary| one.created_at().map(|at| at.as_nanos());
        let best =
            ours.iter().filter(|one| self.is_for_domain(one) && rank(one) > 0).max_by_key(|one| (rank(one), age(one)));
        Ok(best.cloned())
    }

    /// All that is known of it; asked once in a pass.
    pub(super) async fn describe(&self, arn: &str, memo: &Memo) -> Result<Option<CertificateDetail>, Failure> {
        let key = format!("certificate {arn}");
        let detail = memo.once(&key, async {
            let sent = self.client.describe_certificate().certificate_arn(arn).send().await;
            let answer =
                optional(sent.map_err(|error| classify(format!("read the certificate of {}", self.domain), error)))?;
            Ok(answer.and_then(|answer| answer.certificate))
        });
        Ok((*detail.await?).clone())
    }

    fn is_for_domain(&self, one: &CertificateSummary) -> bool {
        one.domain_name() == Some(&self.domain)
            && one.subject_alternative_name_summaries().iter().all(|name| *name == self.domain)
    }

    async fn list(&self) -> Result<Vec<CertificateSummary>, Failure> {
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            // Without a filter lists hold RSA keys up to 2048 bits only, which is what a request makes.
            let sent = self.client.list_certificates().set_next_token(token).send().await;
            let page = sent.map_err(|error| classify("list certificates", error))?;
            all.extend(page.certificate_summary_list.unwrap_or_default());
            token = page.next_token;
            if token.is_none() {
                return Ok(all);
            }
        }
    }
}

/// How good a certificate is; zero for those that were good once and for nothing any more.
fn rank(one: &CertificateSummary) -> u8 {
    match one.status() {
        Some(CertificateStatus::Issued) => 3,
        Some(CertificateStatus::PendingValidation) => 2,
        Some(CertificateStatus::Failed | CertificateStatus::ValidationTimedOut) => 1,
        _ => 0,
    }
}

pub(super) fn arn_of(one: &CertificateSummary) -> &str {
    one.certificate_arn().unwrap_or_default()
}
