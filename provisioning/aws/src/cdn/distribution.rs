//! The distribution: pages, pictures and API under one address.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use aws_sdk_cloudfront::{
    Client,
    types::{DistributionConfig, DistributionConfigWithTags, DistributionSummary, Tag, Tags as TagSet},
};
use jewel_engine::{
    Address, Context, Desired, Failure, FailureKind, FieldChange, Found, Inputs, Memo, Ownership, Price, Readiness,
    Resource, Value,
};
use secrecy::SecretString;
use serde_json::Value as Json;

use super::{
    config::{Own, Parts, build, merge, render},
    subscription::Subscription,
};
use crate::{
    Clients, Names, StackSpec, Traffic, address, classify,
    failure::incomplete,
    prices,
    secrets::{ApiCredentials, Secret, origin_secret},
    tags::Tags,
};

/// How long a distribution may be missing from lists after its creation was refused as repeated.
const LIST_LAG: Duration = Duration::from_secs(45);

/// The tags of a distribution; asked once in a pass.
pub(super) async fn tags(client: &Client, arn: &str, memo: &Memo) -> Result<Arc<Vec<Tag>>, Failure> {
    memo.once(&format!("tags of {arn}"), async {
        let sent = client.list_tags_for_resource().resource(arn).send().await;
        let answer = sent.map_err(|error| classify("read the tags of a distribution", error))?;
        Ok(answer.tags.and_then(|tags| tags.items).unwrap_or_default())
    })
    .await
}

/// The shop's distribution. Found by its comment or its site origin, and known to be ours by its tags.
pub(crate) struct Distribution {
    client: Client,
    plans: aws_sdk_pricingplanmanager::Client,
    name: String,
    site_domain: String,
    media_domain: String,
    /// The shop's own domain.
    domain: Option<String>,
    secret: Secret,
    tags: Tags,
    /// When a creation was first refused because its reference was used before.
    used: Mutex<Option<Instant>>,
    traffic: Traffic,
}

impl Distribution {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        let names = Names::new(spec);
        let domain = |role| format!("{}.s3.{}.amazonaws.com", names.bucket(role), spec.region);
        Self {
            client: clients.cloudfront.clone(),
            plans: clients.pricing_plans.clone(),
            name: names.stack().to_owned(),
            site_domain: domain("site"),
            media_domain: domain("media"),
            domain: spec.domain.as_ref().map(|domain| domain.name.clone()),
            secret: ApiCredentials::secret(spec, clients),
            tags: Tags::new(spec, "shop"),
            used: Mutex::new(None),
            traffic: spec.traffic.clone(),
        }
    }

    /// The configuration with the origin secret in it, which is asked anew: what was remembered may be older.
    async fn config(&self, inputs: &Inputs, reference: &str) -> Result<DistributionConfig, Failure> {
        let secret = origin_secret(&self.secret, &Memo::default()).await?;
        let missing = || Failure::permanent(format!("describe {}", self.title()), "the origin secret has no value");
        let secret = &secret.ok_or_else(missing)?;
        build(&Parts {
            comment: &self.name,
            caller_reference: reference,
            site_domain: &self.site_domain,
            media_domain: &self.media_domain,
            access_control: inputs.require(address::ACCESS_CONTROL, "id")?,
            function_arn: inputs.require(address::FUNCTION, "arn")?,
            api_endpoint: inputs.require(address::API, "endpoint")?,
            origin_secret: secret,
            web_acl: inputs.require(address::FIREWALL, "arn")?,
            own: match &self.domain {
                Some(domain) => Some(Own { domain, certificate: inputs.require(address::ISSUE, "arn")? }),
                None => None,
            },
        })
        .map_err(|error| Failure::permanent(format!("describe {}", self.title()), error.to_string()))
    }

    /// The reference makes a repeated creation fail instead of making a second distribution. It stays used after a
    /// deletion, so one that is refused while nothing is listed for long gives way to the next.
    fn reference(&self) -> String {
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        match used {
            Some(since) if since.elapsed() > LIST_LAG => {
                let day = jiff::Timestamp::now().as_second() / 86_400;
                format!("{}-again-{day}", self.name)
            }
            _ => format!("{}-1", self.name),
        }
    }

    async fn find(&self, memo: &Memo) -> Result<Option<(DistributionSummary, Ownership)>, Failure> {
        let mut foreign = None;
        let mut marker = None;
        loop {
            let sent = self.client.list_distributions().set_marker(marker).send().await;
            let page = sent.map_err(|error| classify("list distributions", error))?;
            let Some(list) = page.distribution_list else { break };
            for summary in list.items() {
                let origins = summary.origins().map(|origins| origins.items()).unwrap_or_default();
                let site = origins.iter().any(|origin| origin.domain_name() == self.site_domain);
                if summary.comment() != self.name && !site {
                    continue;
                }
                match self.ownership(summary.arn(), memo).await? {
                    Ownership::Ours => return Ok(Some((summary.clone(), Ownership::Ours))),
                    // A comment alone is no name; it is in nobody's way.
                    other if site => foreign = Some((summary.clone(), other)),
                    Ownership::Foreign(_) | Ownership::Shared(_) => {}
                }
            }
            marker = list.next_marker.filter(|_| list.is_truncated);
            if marker.is_none() {
                break;
            }
        }
        Ok(foreign)
    }

    async fn ownership(&self, arn: &str, memo: &Memo) -> Result<Ownership, Failure> {
        let tags = tags(&self.client, arn, memo).await?;
        Ok(self.tags.ownership(tags.iter().map(|tag| (tag.key(), tag.value().unwrap_or_default()))))
    }

    fn tag_set(&self) -> Result<TagSet, Failure> {
        let tags: Result<Vec<Tag>, _> =
            self.tags.pairs().into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
        let tags = tags.map_err(|error| Failure::permanent(format!("tag {}", self.title()), error.to_string()))?;
        Ok(TagSet::builder().set_items(Some(tags)).build())
    }

    async fn current(&self, id: &str, action: &str) -> Result<(DistributionConfig, String), Failure> {
        let sent = self.client.get_distribution_config().id(id).send().await;
        let answer = sent.map_err(|error| classify(action, error))?;
        let config = answer.distribution_config.ok_or_else(|| incomplete(action, "configuration"))?;
        Ok((config, answer.e_tag.ok_or_else(|| incomplete(action, "ETag"))?))
    }

    async fn put(&self, id: &str, config: DistributionConfig, etag: String, action: &str) -> Result<(), Failure> {
        let update = self.client.update_distribution().id(id).if_match(etag).distribution_config(config);
        update.send().await.map(drop).map_err(|error| classify(action, error))
    }
}

#[async_trait]
impl Resource for Distribution {
    fn title(&self) -> String {
        format!("distribution {}", self.name)
    }

    fn needs(&self) -> Vec<Address> {
        // The issue goes with the certificate, which must not go before the distribution.
        let certificate = self.domain.is_some().then_some([address::CERTIFICATE, address::ISSUE]);
        let always = [
            address::ACCESS_CONTROL,
            address::FUNCTION,
            address::API,
            address::FIREWALL,
            address::API_SECRET,
            address::SITE_BUCKET,
            address::MEDIA_BUCKET,
        ];
        certificate.into_iter().flatten().chain(always).map(Address::from).collect()
    }

    // Minutes as a rule; the SDK's own waiter gives up after 35.
    fn deadline(&self) -> Duration {
        Duration::from_secs(40 * 60)
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("CloudFront distribution", "only traffic is paid", "2026-11-22"))
    }

    fn usage(&self) -> Vec<Price> {
        prices::edge(&self.traffic)
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        let known = |address, output| match inputs.value(address, output) {
            Value::Known(Json::String(text)) => Some(text),
            _ => None,
        };
        let control = known(address::ACCESS_CONTROL, "id");
        let function = known(address::FUNCTION, "arn");
        let endpoint = known(address::API, "endpoint");
        let firewall = known(address::FIREWALL, "arn");
        let certificate = known(address::ISSUE, "arn");
        // Compared with itself: what is wanted is the current secret, whichever that is.
        let secret = SecretString::default();
        let config = build(&Parts {
            comment: &self.name,
            caller_reference: "",
            site_domain: &self.site_domain,
            media_domain: &self.media_domain,
            access_control: control.as_deref().unwrap_or_default(),
            function_arn: function.as_deref().unwrap_or_default(),
            api_endpoint: endpoint.as_deref().unwrap_or_default(),
            origin_secret: &secret,
            web_acl: firewall.as_deref().unwrap_or_default(),
            own: self
                .domain
                .as_ref()
                .map(|domain| Own { domain, certificate: certificate.as_deref().unwrap_or_default() }),
        });
        // Building fails only where a required field is left out, and `build` leaves out none.
        let fields = config.map(|config| render(&config, Some(&secret))).unwrap_or_default();
        fields.into_iter().fold(Desired::new(), |desired, (field, value)| {
            let known = match field.as_str() {
                "origins" => control.is_some() && endpoint.is_some(),
                "behaviors" | "default_behavior" => function.is_some(),
                "web_acl" => firewall.is_some(),
                "certificate" => self.domain.is_none() || certificate.is_some(),
                _ => true,
            };
            desired.set(&field, if known { Value::Known(value) } else { Value::Unknown })
        })
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let (found, secret) = tokio::join!(self.find(cx.memo), origin_secret(&self.secret, cx.memo));
        let Some((summary, ownership)) = found? else { return Ok(None) };
        let action = format!("read {}", self.title());
        let (config, _) = self.current(summary.id(), &action).await?;
        let readiness = match summary.status() {
            "Deployed" => Readiness::Ready,
            _ => Readiness::Waiting(if config.enabled() { "deploying" } else { "being disabled" }.to_owned()),
        };
        Ok(Some(Found {
            ownership,
            readiness,
            attributes: render(&config, secret?.as_ref()),
            ..Found::new()
                .output("id", summary.id())
                .output("arn", summary.arn())
                .output("domain", summary.domain_name())
                .output("host", self.domain.as_deref().unwrap_or(summary.domain_name()))
        }))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let action = format!("create {}", self.title());
        let config = DistributionConfigWithTags::builder()
            .distribution_config(self.config(&cx.inputs, &self.reference()).await?)
            .tags(self.tag_set()?)
            .build();
        let sent = self.client.create_distribution_with_tags().distribution_config_with_tags(config).send().await;
        sent.map(drop).map_err(|error| classify(action, error)).inspect_err(|failure| {
            if failure.kind == FailureKind::Conflict {
                self.used.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
            }
        })
    }

    async fn update(&self, cx: &Context<'_>, found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        let action = format!("update {}", self.title());
        let id = found.text("id")?;
        let (current, etag) = self.current(id, &action).await?;
        let wanted = self.config(&cx.inputs, current.caller_reference()).await?;
        self.put(id, merge(current, wanted), etag, &action).await
    }

    async fn adopt(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let sent = self.client.tag_resource().resource(found.text("arn")?).tags(self.tag_set()?).send().await;
        sent.map(drop).map_err(|error| classify(format!("tag {}", self.title()), error))
    }

    /// Its plan is cancelled first; then it is disabled, and deleted when that is deployed everywhere.
    async fn delete(&self, cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        if let Some(plan) = Subscription::of(&self.plans, found.text("arn")?, cx.memo).await? {
            if plan.is_being_set_up() {
                cx.progress(format!("waiting until {} is set up, to cancel it", plan.name()));
                return Ok(());
            }
            if !plan.is_ending() {
                return plan.cancel(&self.plans).await;
            }
            let message = format!("{} is paid until the end of the month; run the same command then", plan.name());
            return Err(Failure::permanent(format!("delete {}", self.title()), message));
        }
        let id = found.text("id")?;
        let action = format!("disable {}", self.title());
        let (mut config, etag) = self.current(id, &action).await?;
        if config.enabled() {
            config.enabled = false;
            return self.put(id, config, etag, &action).await;
        }
        let sent = self.client.delete_distribution().id(id).if_match(etag).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }
}
