//! Where each resource of our stack is found in a plan. Every address is `kind.name`.

/// The bucket the pages are served from.
pub const SITE_BUCKET: &str = "bucket.site";
/// The bucket the pictures are served from.
pub const MEDIA_BUCKET: &str = "bucket.media";
/// The bucket of dumps and archives.
pub const BACKUPS_BUCKET: &str = "bucket.backups";
/// The bucket of the lock and of the records of runs.
pub const OPERATIONS_BUCKET: &str = "bucket.operations";
/// Lets the distribution read the pages.
pub const SITE_POLICY: &str = "bucket-policy.site";
/// Lets the distribution read the pictures.
pub const MEDIA_POLICY: &str = "bucket-policy.media";
/// Lets the shop's pages send pictures.
pub const MEDIA_CORS: &str = "bucket-cors.media";
/// The bucket of access logs.
pub const LOGS_BUCKET: &str = "bucket.logs";
/// Lets S3 write into it.
pub const LOGS_POLICY: &str = "bucket-policy.logs";
/// Who read and wrote the pages.
pub const SITE_LOGS: &str = "access-logs.site";
/// Who read and wrote the pictures.
pub const MEDIA_LOGS: &str = "access-logs.media";
/// Who read and wrote dumps and archives.
pub const BACKUPS_LOGS: &str = "access-logs.backups";
/// The bucket of the trail.
pub const TRAIL_BUCKET: &str = "bucket.trail";
/// Lets the trail write into its bucket.
pub const TRAIL_POLICY: &str = "bucket-policy.trail";
/// The record of who changed what in the account.
pub const TRAIL: &str = "trail.account";
/// Where alarms are sent.
pub const TOPIC: &str = "topic.alarms";
/// Where alarms of us-east-1 are sent.
pub const EDGE_TOPIC: &str = "topic.edge-alarms";
/// The API's log lines.
pub const LOG_GROUP: &str = "log-group.api";
/// How the shop does, on one page.
pub const DASHBOARD: &str = "dashboard.shop";
/// AWS's watch over the bill.
pub const BUDGET: &str = "budget.account";
/// Where AWS Backup keeps its copies.
pub const BACKUP_VAULT: &str = "backup-vault.shop";
/// When it makes them.
pub const BACKUP_PLAN: &str = "backup-plan.daily";
/// As whom it does.
pub const BACKUP_ROLE: &str = "role.backup";
/// What it copies.
pub const BACKUP_SELECTION: &str = "backup-selection.media";
/// What keeps attacks away from the distribution.
pub const FIREWALL: &str = "web-acl.shop";
/// How the distribution is paid for. Its output `plan` is `free`, another of AWS's plans, or `pay-as-you-go`.
pub const PRICING_PLAN: &str = "pricing-plan.shop";
/// The distribution's additional figures.
pub const METRICS: &str = "distribution-metrics.shop";
/// As whom the API calls AWS.
pub const API_USER: &str = "user.api";
/// The key it does so with, and what proves to it that a request came through our front door.
pub const API_SECRET: &str = "secret.api";
/// What backups are read with.
pub const BACKUP_SECRET: &str = "secret.backup";
/// Whom AWS believes who a pipeline is.
pub const IDENTITY_PROVIDER: &str = "identity-provider.github";
/// As whom the pipeline calls AWS.
pub const CI_ROLE: &str = "role.ci";
/// How the distribution signs its requests to buckets.
pub const ACCESS_CONTROL: &str = "access-control.site";
/// The page of a shop that is closed for maintenance.
pub const MAINTENANCE_PAGE: &str = "page.maintenance";
/// What the distribution does with each request.
pub const FUNCTION: &str = "function.site";
/// The shop's one public address.
pub const DISTRIBUTION: &str = "distribution.shop";
/// The hosted zone of the shop's own domain.
pub const ZONE: &str = "hosted-zone.shop";
/// The certificate of the shop's own domain.
pub const CERTIFICATE: &str = "certificate.shop";
/// The record that proves to its issuer that the domain is ours.
pub const VALIDATION: &str = "dns-record.validation";
/// The certificate once it is issued.
pub const ISSUE: &str = "certificate-issue.shop";
/// Certificates of former domains.
pub const FORMER_CERTIFICATES: &str = "certificates.former";
/// Leads from the domain to the distribution.
pub const DOMAIN_IPV4: &str = "dns-record.ipv4";
/// The same over IPv6.
pub const DOMAIN_IPV6: &str = "dns-record.ipv6";
/// The managed MySQL database.
pub const DATABASE: &str = "database.shop";
/// How to log in to the database; also the pointer that says which database is the current one.
pub const DATABASE_SECRET: &str = "secret.database";
/// The machine the API runs on.
pub const INSTANCE: &str = "instance.api";
/// Whom Lightsail's alarms tell.
pub const CONTACT: &str = "contact.alarms";
/// The database that is the operator's own, when it is.
pub const EXTERNAL_DATABASE: &str = "database.external";
/// The machine's open ports.
pub const PORTS: &str = "ports.api";
/// The machine's daily snapshots.
pub const AUTO_SNAPSHOTS: &str = "auto-snapshots.api";
/// The API's address; also the pointer that says which machine is the current one.
pub const STATIC_IP: &str = "static-ip.api";
/// The address attached to the machine.
pub const ATTACHMENT: &str = "static-ip-attachment.api";
/// What spreads requests over several machines.
pub const LOAD_BALANCER: &str = "load-balancer.api";
/// The load balancer's certificate.
pub const BALANCER_CERTIFICATE: &str = "load-balancer-certificate.origin";
/// The record that proves to its issuer that the name is ours.
pub const BALANCER_VALIDATION: &str = "dns-record.origin-validation";
/// The certificate in use.
pub const BALANCER_TLS: &str = "load-balancer-tls.origin";
/// Leads from the origin's name to the load balancer.
pub const ORIGIN_RECORD: &str = "dns-record.origin";
/// Who may log in to the shop.
pub const USER_POOL: &str = "user-pool.shop";
/// The shop as an application of the user pool.
pub const USER_POOL_CLIENT: &str = "user-pool-client.shop";
/// Where people log in.
pub const USER_POOL_DOMAIN: &str = "user-pool-domain.shop";
/// The HTTP API in front of the machine.
pub const API: &str = "api.shop";
/// Its way to the machine.
pub const INTEGRATION: &str = "api-integration.machine";
/// Its check of tokens.
pub const AUTHORIZER: &str = "api-authorizer.tokens";
/// Everything under `/api`.
pub const ROUTE_PUBLIC: &str = "api-route.public";
/// What only staff may call.
pub const ROUTE_ADMIN: &str = "api-route.admin";
/// What is deployed, and how often it may be called.
pub const STAGE: &str = "api-stage.default";
