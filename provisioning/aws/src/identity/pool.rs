//! The user pool.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use aws_sdk_cognitoidentityprovider::{
    Client,
    types::{
        AccountRecoverySettingType, AdminCreateUserConfigType, DeletionProtectionType, IssuerConfigurationType,
        IssuerType, PasswordPolicyType, RecoveryOptionNameType, RecoveryOptionType, UserPoolPolicyType, UserPoolType,
        UsernameAttributeType, UsernameConfigurationType, VerifiedAttributeType,
    },
};
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Memo, Ownership, Price, Resource, Rule};
use serde_json::{Value as Json, json};

use super::domain::pool_behind;
use crate::{
    Clients, Names, StackSpec, Traffic, classify,
    failure::{incomplete, optional},
    prices,
    spec::UsersSpec,
    tags::{Tags, hash_map},
};

/// The pool of customers and staff.
pub(crate) struct Pool {
    client: Client,
    name: String,
    login: String,
    region: String,
    account_id: String,
    spec: UsersSpec,
    tags: Tags,
    traffic: Traffic,
}

impl Pool {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        let names = Names::new(spec);
        Self {
            client: clients.cognito.clone(),
            name: names.role("users"),
            login: names.login(),
            region: spec.region.clone(),
            account_id: spec.account_id.clone(),
            spec: spec.users.clone(),
            tags: Tags::new(spec, "users"),
            traffic: spec.traffic.clone(),
        }
    }

    /// Names of pools are not unique and lists carry no tags. The login domain is the best anchor; before it exists, the
    /// pool of our name that carries our tags.
    async fn find(&self, memo: &Memo) -> Result<Option<UserPoolType>, Failure> {
        if let Some(id) = pool_behind(&self.client, &self.login, memo).await?.as_ref() {
            return self.describe(id).await;
        }
        let mut foreign = None;
        for id in self.list().await? {
            let Some(pool) = self.describe(&id).await? else { continue };
            if self.ownership(&pool) == Ownership::Ours {
                return Ok(Some(pool));
            }
            foreign = Some(pool);
        }
        Ok(foreign)
    }

    async fn list(&self) -> Result<Vec<String>, Failure> {
        let mut ids = Vec::new();
        let mut token = None;
        loop {
            let sent = self.client.list_user_pools().max_results(60).set_next_token(token).send().await;
            let page = sent.map_err(|error| classify("list user pools", error))?;
            let ours = page.user_pools().iter().filter(|pool| pool.name() == Some(&self.name));
            ids.extend(ours.filter_map(|pool| pool.id().map(ToOwned::to_owned)));
            token = page.next_token;
            if token.is_none() {
                // Always the same one, should there ever be two.
                ids.sort();
                return Ok(ids);
            }
        }
    }

    async fn describe(&self, id: &str) -> Result<Option<UserPoolType>, Failure> {
        let sent = self.client.describe_user_pool().user_pool_id(id).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read user pool {id}"), error)))?;
        Ok(answer.and_then(|answer| answer.user_pool))
    }

    fn ownership(&self, pool: &UserPoolType) -> Ownership {
        self.tags.ownership(pool.user_pool_tags().into_iter().flatten())
    }

    fn password_policy(&self) -> PasswordPolicyType {
        PasswordPolicyType::builder()
            .minimum_length(self.spec.password_length)
            .require_lowercase(true)
            .require_uppercase(true)
            .require_numbers(true)
            .require_symbols(false)
            .temporary_password_validity_days(7)
            .build()
    }

    /// Sends the whole pool back with our part mended: what an update omits is reset to its default.
    async fn write(&self, pool: UserPoolType, protection: DeletionProtectionType) -> Result<(), Failure> {
        let action = format!("update user pool {}", self.name);
        let id = pool.id.clone().ok_or_else(|| incomplete(&action, "id"))?;
        let mut tags: HashMap<String, String> = pool.user_pool_tags.clone().unwrap_or_default();
        tags.extend(hash_map(&self.tags));
        let mut policies = pool.policies.clone().unwrap_or_else(|| UserPoolPolicyType::builder().build());
        policies.password_policy = Some(self.password_policy());
        let invite = pool.admin_create_user_config.as_ref().and_then(|config| config.invite_message_template.clone());
        // The days an invitation lives are left out: the password policy says them, and AWS refuses both.
        let admin = AdminCreateUserConfigType::builder()
            .allow_admin_create_user_only(!self.spec.self_sign_up)
            .set_invite_message_template(invite)
            .build();
        let sent = self
            .client
            .update_user_pool()
            .user_pool_id(id)
            .pool_name(&self.name)
            .policies(policies)
            .deletion_protection(protection)
            .auto_verified_attributes(VerifiedAttributeType::Email)
            .admin_create_user_config(admin)
            .account_recovery_setting(recovery(&action)?)
            .issuer_configuration(IssuerConfigurationType::builder().r#type(IssuerType::Original).build())
            .set_user_pool_tags(Some(tags))
            .set_lambda_config(pool.lambda_config)
            .set_sms_verification_message(written(pool.sms_verification_message))
            .set_email_verification_message(written(pool.email_verification_message))
            .set_email_verification_subject(written(pool.email_verification_subject))
            .set_verification_message_template(pool.verification_message_template)
            .set_sms_authentication_message(written(pool.sms_authentication_message))
            .set_user_attribute_update_settings(pool.user_attribute_update_settings)
            .set_mfa_configuration(pool.mfa_configuration)
            .set_device_configuration(pool.device_configuration)
            .set_email_configuration(pool.email_configuration)
            .set_sms_configuration(pool.sms_configuration)
            .set_user_pool_add_ons(pool.user_pool_add_ons)
            .set_user_pool_tier(pool.user_pool_tier)
            .send()
            .await;
        sent.map(drop).map_err(|error| classify(action, error))
    }

    async fn rewrite(&self, found: &Found, protection: DeletionProtectionType) -> Result<(), Failure> {
        let pool = self.describe(found.text("id")?).await?;
        let pool = pool.ok_or_else(|| incomplete(format!("read user pool {}", self.name), "pool"))?;
        self.write(pool, protection).await
    }
}

#[async_trait]
impl Resource for Pool {
    fn title(&self) -> String {
        format!("user pool {}", self.name)
    }

    fn holds_data(&self) -> bool {
        true
    }

    fn whereabouts(&self, found: &Found) -> String {
        format!("Cognito user pool {} in {}", found.text("id").unwrap_or_default(), self.region)
    }

    fn rule(&self, field: &str) -> Rule {
        // Fixed at creation, says the service model.
        if matches!(field, "sign_in" | "case_sensitive") { Rule::Replace } else { Rule::Update }
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("Cognito user pool", "only people who sign in are paid", "2026-11-22"))
    }

    fn usage(&self) -> Vec<Price> {
        vec![prices::users(&self.traffic)]
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new()
            .set("case_sensitive", false)
            .set("deletion_protection", "ACTIVE")
            .set("issuer", "ORIGINAL")
            .set("password_policy", describe_policy(&self.password_policy()))
            .set("recovery", json!(["verified_email"]))
            .set("self_sign_up", self.spec.self_sign_up)
            .set("sign_in", json!(["email"]))
            .set("verified", json!(["email"]))
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let Some(pool) = self.find(cx.memo).await? else { return Ok(None) };
        let id = pool.id().unwrap_or_default();
        // Both defaults are what the service uses when its answer says nothing.
        let issuer = pool.issuer_configuration().and_then(|c| c.r#type()).unwrap_or(&IssuerType::Original);
        let host = if *issuer == IssuerType::Original { "cognito-idp" } else { "issuer-cognito-idp" };
        let sensitive = pool.username_configuration().is_none_or(|configuration| configuration.case_sensitive);
        let policy = pool.policies().and_then(|policies| policies.password_policy()).map(describe_policy);
        let only_admins = pool.admin_create_user_config().is_some_and(|config| config.allow_admin_create_user_only);
        let recovery: Vec<_> = pool
            .account_recovery_setting()
            .map(|setting| setting.recovery_mechanisms().iter().map(|way| way.name().as_str()).collect())
            .unwrap_or_default();
        let sign_in: Vec<_> = pool.username_attributes().iter().map(UsernameAttributeType::as_str).collect();
        let verified: Vec<_> = pool.auto_verified_attributes().iter().map(VerifiedAttributeType::as_str).collect();
        let protection = pool.deletion_protection().unwrap_or(&DeletionProtectionType::Inactive);
        Ok(Some(
            Found::new()
                .owned(self.ownership(&pool))
                .attribute("case_sensitive", sensitive)
                .attribute("deletion_protection", protection.as_str())
                .attribute("issuer", issuer.as_str())
                .attribute("password_policy", policy)
                .attribute("recovery", json!(recovery))
                .attribute("self_sign_up", !only_admins)
                .attribute("sign_in", json!(sign_in))
                .attribute("verified", json!(verified))
                .output("id", id)
                .output("arn", format!("arn:aws:cognito-idp:{}:{}:userpool/{id}", self.region, self.account_id))
                .output("issuer", format!("https://{host}.{}.amazonaws.com/{id}", self.region)),
        ))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let action = format!("create user pool {}", self.name);
        let admin = AdminCreateUserConfigType::builder().allow_admin_create_user_only(!self.spec.self_sign_up).build();
        let sent = self
            .client
            .create_user_pool()
            .pool_name(&self.name)
            .policies(UserPoolPolicyType::builder().password_policy(self.password_policy()).build())
            .deletion_protection(DeletionProtectionType::Active)
            .auto_verified_attributes(VerifiedAttributeType::Email)
            .username_attributes(UsernameAttributeType::Email)
            .username_configuration(insensitive(&action)?)
            .admin_create_user_config(admin)
            .account_recovery_setting(recovery(&action)?)
            // Said outright: the default is not documented, and the tokens' issuer must match the authorizer's.
            .issuer_configuration(IssuerConfigurationType::builder().r#type(IssuerType::Original).build())
            .set_user_pool_tags(Some(hash_map(&self.tags)))
            .send()
            .await;
        sent.map(drop).map_err(|error| classify(action, error))
    }

    async fn update(&self, _cx: &Context<'_>, found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        self.rewrite(found, DeletionProtectionType::Active).await
    }

    async fn adopt(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let tag = self.client.tag_resource().resource_arn(found.text("arn")?).set_tags(Some(hash_map(&self.tags)));
        tag.send().await.map(drop).map_err(|error| classify(format!("tag user pool {}", self.name), error))
    }

    async fn delete(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        if found.attributes.get("deletion_protection") == Some(&json!("ACTIVE")) {
            self.rewrite(found, DeletionProtectionType::Inactive).await?;
        }
        let sent = self.client.delete_user_pool().user_pool_id(found.text("id")?).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete user pool {}", self.name), error))
    }
}

/// The id of the pool in use, as another resource of the pool needs it. Shared within a pass.
pub(super) fn pool_id(inputs: &Inputs) -> Option<Arc<str>> {
    inputs.text(crate::address::USER_POOL, "id").map(Arc::from)
}

/// A text that was set. An empty one, given back, would be refused as too short.
fn written(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn insensitive(action: &str) -> Result<UsernameConfigurationType, Failure> {
    let configuration = UsernameConfigurationType::builder().case_sensitive(false).build();
    configuration.map_err(|error| Failure::permanent(action, error.to_string()))
}

fn recovery(action: &str) -> Result<AccountRecoverySettingType, Failure> {
    let email = RecoveryOptionType::builder().priority(1).name(RecoveryOptionNameType::VerifiedEmail).build();
    let email = email.map_err(|error| Failure::permanent(action, error.to_string()))?;
    Ok(AccountRecoverySettingType::builder().recovery_mechanisms(email).build())
}

fn describe_policy(policy: &PasswordPolicyType) -> Json {
    json!({
        "length": policy.minimum_length(),
        "lowercase": policy.require_lowercase(),
        "uppercase": policy.require_uppercase(),
        "numbers": policy.require_numbers(),
        "symbols": policy.require_symbols(),
    })
}
