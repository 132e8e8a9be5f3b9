"""Changes of a stack by hand: one for each field that the tool manages, as an operator would make it with the SDK.

First line in: the outputs of the shop. Then each line in is a list of [address, field]; each line out says what became of
every one of them: null when it was changed, else what AWS said. `CHANGES` is also printed at the start, so that the test
knows what there is a change for, and what nobody can change.
"""

import json
import sys

import boto3
from botocore.config import Config

CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 5})
OUTPUTS = json.loads(sys.stdin.readline())
STACK = OUTPUTS["stack"]
ACCOUNT = boto3.client("sts").get_caller_identity()["Account"]
HOME = boto3.client("s3").meta.region_name
CLIENTS = {}


def aws(service, region=None):
    key = (service, region)
    if key not in CLIENTS:
        CLIENTS[key] = boto3.client(service, region_name=region, config=CONFIG)
    return CLIENTS[key]


def bucket(role):
    return f"{STACK}-{role}-{ACCOUNT}"


CHANGES = {}
# What nobody can change by hand, and why.
UNCHANGEABLE = {}
# What else differs after a change, because AWS changes both or neither.
ALSO = {}


def change(address, field):
    def register(function):
        CHANGES[(address, field)] = function
        return function

    return register


def fixed(address, why, *fields):
    for field in fields:
        UNCHANGEABLE[(address, field)] = why


# Storage ---------------------------------------------------------------------------------------------------------

s3 = aws("s3")


def kms(name):
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})


def retag(name):
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "jewel:project", "Value": "another"}]})


def short_life(name):
    rule = {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}
    s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": [rule]})


def writers_own(name):
    controls = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=controls)


def suspend(name):
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})


for role in ["operations", "site", "media", "backups", "trail", "logs"]:
    for field, act in {
        "encryption": kms,
        "lifecycle": short_life,
        "object_ownership": writers_own,
        "public_access": lambda name: s3.delete_public_access_block(Bucket=name),
        "tags": retag,
        "versioning": suspend,
    }.items():
        CHANGES[(f"bucket.{role}", field)] = lambda act=act, role=role: act(bucket(role))
del CHANGES[("bucket.backups", "versioning")]
fixed("bucket.backups", "a bucket with Object Lock cannot stop keeping versions", "versioning")


@change("bucket.backups", "object_lock")
def _():
    rule = {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}
    configuration = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    s3.put_object_lock_configuration(Bucket=bucket("backups"), ObjectLockConfiguration=configuration)


for role in ["site", "media", "trail", "logs"]:
    CHANGES[(f"bucket-policy.{role}", "policy")] = lambda role=role: s3.put_bucket_policy(
        Bucket=bucket(role),
        Policy=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "Partner",
                        "Effect": "Allow",
                        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
                        "Action": "s3:GetObject",
                        "Resource": f"arn:aws:s3:::{bucket(role)}/*",
                    }
                ],
            }
        ),
    )


def log_to(role, target, prefix):
    settings = {"LoggingEnabled": {"TargetBucket": target, "TargetPrefix": prefix}}
    s3.put_bucket_logging(Bucket=bucket(role), BucketLoggingStatus=settings)


for role in ["site", "media", "backups"]:
    CHANGES[(f"access-logs.{role}", "bucket")] = lambda role=role: log_to(role, bucket("trail"), f"s3/{role}/")
    CHANGES[(f"access-logs.{role}", "prefix")] = lambda role=role: log_to(role, bucket("logs"), "elsewhere/")


@change("page.maintenance", "content")
def _():
    page = {"Bucket": bucket("site"), "Key": "maintenance.html"}
    s3.put_object(**page, Body=b"gone fishing", ContentType="text/html; charset=utf-8")


@change("page.maintenance", "content_type")
def _():
    page = {"Bucket": bucket("site"), "Key": "maintenance.html"}
    s3.put_object(**page, Body=s3.get_object(**page)["Body"].read(), ContentType="text/plain")


@change("bucket-cors.media", "cors")
def _():
    rule = {"AllowedMethods": ["PUT"], "AllowedOrigins": ["*"]}
    s3.put_bucket_cors(Bucket=bucket("media"), CORSConfiguration={"CORSRules": [rule]})


# Lightsail -------------------------------------------------------------------------------------------------------

lightsail = aws("lightsail")
instance = OUTPUTS["instance_name"]
database = OUTPUTS["database_name"]


@change("instance.api", "running")
def _():
    lightsail.stop_instance(instanceName=instance)


@change("instance.api", "address_type")
def _():
    lightsail.set_ip_address_type(resourceType="Instance", resourceName=instance, ipAddressType="dualstack")


fixed("instance.api", "Lightsail changes it only by making another instance", "blueprint", "bundle", "zone")


@change("ports.api", "open")
def _():
    port = {"fromPort": 22, "toPort": 22, "protocol": "tcp", "cidrs": ["0.0.0.0/0"]}
    lightsail.open_instance_public_ports(instanceName=instance, portInfo=port)


@change("auto-snapshots.api", "time_utc")
def _():
    request = {"addOnType": "AutoSnapshot", "autoSnapshotAddOnRequest": {"snapshotTimeOfDay": "03:00"}}
    lightsail.enable_add_on(resourceName=instance, addOnRequest=request)


@change("static-ip-attachment.api", "instance")
def _():
    lightsail.detach_static_ip(staticIpName=f"{STACK}-api")


for field, setting in {
    "backup_retention": {"disableBackupRetention": True},
    "backup_window": {"preferredBackupWindow": "03:00-03:30"},
    "maintenance_window": {"preferredMaintenanceWindow": "tue:05:00-tue:05:30"},
    "public": {"publiclyAccessible": True},
}.items():
    CHANGES[("database.shop", field)] = lambda setting=setting: lightsail.update_relational_database(
        relationalDatabaseName=database, applyImmediately=True, **setting
    )
fixed(
    "database.shop",
    "Lightsail changes it only by making another database",
    "bundle",
    "database_name",
    "username",
    "zone",
)
fixed("database.shop", "the local cloud has one blueprint of this age, and none can be lowered again", "blueprint")


@change("contact.alarms", "email")
def _():
    contact = lightsail.get_contact_methods(protocols=["Email"])["contactMethods"][0]
    lightsail.delete_contact_method(protocol="Email")
    lightsail.create_contact_method(
        protocol="Email", contactEndpoint="another@example.com", tags=contact.get("tags", [])
    )


fixed("contact.alarms", "an address becomes invalid by a day's silence", "asked")


def edit_lightsail_alarm(name, edit):
    now = lightsail.get_alarms(alarmName=f"{STACK}-{name}")["alarms"][0]
    kept = ["metricName", "comparisonOperator", "threshold", "evaluationPeriods", "datapointsToAlarm", "treatMissingData"]
    kept += ["contactProtocols", "notificationTriggers", "notificationEnabled"]
    request = {key: now[key] for key in kept if key in now}
    request |= {"alarmName": now["name"], "monitoredResourceName": now["monitoredResourceInfo"]["name"]}
    lightsail.put_alarm(**{**request, **edit(now)})


for name, other_metric in {
    "api-burst": "NetworkIn",
    "api-cpu": "NetworkIn",
    "api-network": "CPUUtilization",
    "api-status": "StatusCheckFailed_System",
    "db-connections": "DiskQueueDepth",
    "db-cpu": "DiskQueueDepth",
    "db-storage": "CPUUtilization",
}.items():
    address = f"alarm.{name}"
    for field, edit in {
        "comparison": lambda now: {"comparisonOperator": "GreaterThanThreshold"},
        "datapoints": lambda now: {"datapointsToAlarm": now["datapointsToAlarm"] - 1},
        "metric": lambda now, other=other_metric: {"metricName": other},
        "missing_data": lambda now: {"treatMissingData": "breaching"},
        "notice": lambda now: {"notificationEnabled": False},
        "periods": lambda now: {"evaluationPeriods": now["evaluationPeriods"] + 1},
        "threshold": lambda now: {"threshold": now["threshold"] + 7},
    }.items():
        CHANGES[(address, field)] = lambda name=name, edit=edit: edit_lightsail_alarm(name, edit)
    fixed(address, "the shop has one instance and one database that it could watch", "resource", "resource_arn")
del CHANGES[("alarm.db-storage", "datapoints")]
fixed("alarm.db-storage", "of one period one datapoint is the least and the most", "datapoints")

# Secrets ---------------------------------------------------------------------------------------------------------

secrets = aws("secretsmanager")
iam = aws("iam")


def rewrite(name, **fields):
    document = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])
    document.update(fields)
    secrets.put_secret_value(SecretId=name, SecretString=json.dumps(document))


for field, value in {
    "dbname": "another",
    "host": "db.example.com",
    "password": "not-the-right-one",
    "port": 3307,
    "username": "somebody",
}.items():
    CHANGES[("secret.database", field)] = lambda field=field, value=value: rewrite(
        OUTPUTS["database_secret"], **{field: value}
    )
fixed("secret.database", "it is the pointer: which database is the current one is its to say", "database")


@change("secret.api", "origin_secret")
def _():
    rewrite(OUTPUTS["api_secret"], origin_secret=None)


# What the distribution sends is then nobody's secret.
ALSO[("secret.api", "origin_secret")] = [("distribution.shop", "origins")]


@change("secret.api", "cart_secret")
def _():
    rewrite(OUTPUTS["api_secret"], cart_secrets=[])


@change("secret.api", "key")
def _():
    iam.create_access_key(UserName=f"{STACK}-api")


@change("secret.backup", "state")
def _():
    secrets.delete_secret(SecretId=f"{STACK}-backup", RecoveryWindowInDays=7)


# Identity --------------------------------------------------------------------------------------------------------

ANYBODY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@change("user.api", "policy")
def _():
    iam.put_user_policy(UserName=f"{STACK}-api", PolicyName="api", PolicyDocument=json.dumps(ANYBODY))


@change("role.backup", "trust")
def _():
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    iam.update_assume_role_policy(RoleName=f"{STACK}-backup", PolicyDocument=json.dumps(document))


@change("role.backup", "policies")
def _():
    iam.detach_role_policy(
        RoleName=f"{STACK}-backup", PolicyArn="arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForS3Restore"
    )


@change("role.ci", "trust")
def _():
    statement = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    iam.update_assume_role_policy(RoleName=f"{STACK}-ci", PolicyDocument=json.dumps(document))


@change("role.ci", "policy")
def _():
    iam.put_role_policy(RoleName=f"{STACK}-ci", PolicyName="ci", PolicyDocument=json.dumps(ANYBODY))


@change("role.ci", "longest_session")
def _():
    iam.update_role(RoleName=f"{STACK}-ci", MaxSessionDuration=3600)


@change("identity-provider.github", "audience")
def _():
    iam.remove_client_id_from_open_id_connect_provider(
        OpenIDConnectProviderArn=f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com",
        ClientID="sts.amazonaws.com",
    )


cognito = aws("cognito-idp")
pool = OUTPUTS["user_pool_id"]


def write_pool(**fields):
    """UpdateUserPool resets what it is not told, so everything is repeated."""
    now = cognito.describe_user_pool(UserPoolId=pool)["UserPool"]
    kept = ["Policies", "DeletionProtection", "AutoVerifiedAttributes", "AdminCreateUserConfig", "UserPoolTags"]
    kept += ["AccountRecoverySetting", "UserPoolTier", "IssuerConfiguration", "MfaConfiguration"]
    request = {key: now[key] for key in kept if now.get(key)}
    request.get("AdminCreateUserConfig", {}).pop("UnusedAccountValidityDays", None)
    cognito.update_user_pool(UserPoolId=pool, **{**request, **fields})


for field, setting in {
    "deletion_protection": {"DeletionProtection": "INACTIVE"},
    "password_policy": {"Policies": {"PasswordPolicy": {"MinimumLength": 6}}},
    "recovery": {"AccountRecoverySetting": {"RecoveryMechanisms": [{"Priority": 1, "Name": "admin_only"}]}},
    "self_sign_up": {"AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True}},
    "verified": {"AutoVerifiedAttributes": []},
    "issuer": {"IssuerConfiguration": {"Type": "UPDATED"}},
}.items():
    CHANGES[("user-pool.shop", field)] = lambda setting=setting: write_pool(**setting)
fixed("user-pool.shop", "Cognito fixes it when the pool is made", "sign_in", "case_sensitive")
for group in ["admins", "staff"]:
    CHANGES[(f"user-group.{group}", "precedence")] = lambda group=group: cognito.update_group(
        UserPoolId=pool, GroupName=group, Precedence=77
    )


def write_client(**fields):
    identity = {"UserPoolId": pool, "ClientId": OUTPUTS["user_pool_client_id"]}
    now = cognito.describe_user_pool_client(**identity)["UserPoolClient"]
    for key in ["CreationDate", "LastModifiedDate", "ClientSecret"]:
        now.pop(key, None)
    kept = {key: value for key, value in now.items() if value != ""}
    cognito.update_user_pool_client(**{**kept, **fields})


for field, setting in {
    "auth_flows": {"ExplicitAuthFlows": ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]},
    "callback_urls": {"CallbackURLs": ["https://example.com/"]},
    "identity_providers": {"SupportedIdentityProviders": []},
    "logout_urls": {"LogoutURLs": ["https://example.com/"]},
    "oauth": {"AllowedOAuthFlowsUserPoolClient": False},
    "oauth_flows": {"AllowedOAuthFlows": ["implicit"]},
    "oauth_scopes": {"AllowedOAuthScopes": ["openid"]},
    "prevent_user_existence_errors": {"PreventUserExistenceErrors": "LEGACY"},
    "token_revocation": {"EnableTokenRevocation": False},
}.items():
    CHANGES[("user-pool-client.shop", field)] = lambda setting=setting: write_client(**setting)
fixed("user-pool-client.shop", "Cognito fixes it when the client is made", "secret")
fixed("user-pool-domain.shop", "a domain belongs to a pool as long as it exists", "user_pool")

# Gateway ---------------------------------------------------------------------------------------------------------

apis = aws("apigatewayv2")
api = OUTPUTS["api_id"]


def only(operation, **match):
    for item in getattr(apis, operation)(ApiId=api)["Items"]:
        if all(item.get(key) == value for key, value in match.items()):
            return item
    raise LookupError(f"{operation} {match}")


@change("api.shop", "cors_origins")
def _():
    apis.update_api(ApiId=api, CorsConfiguration={"AllowOrigins": ["https://example.com"]})


@change("api.shop", "cors_headers")
def _():
    apis.update_api(ApiId=api, CorsConfiguration={"AllowHeaders": ["x-anything"]})


@change("api.shop", "cors_exposed_headers")
def _():
    apis.update_api(ApiId=api, CorsConfiguration={"ExposeHeaders": ["x-anything"]})


@change("api.shop", "public_endpoint")
def _():
    apis.update_api(ApiId=api, DisableExecuteApiEndpoint=True)


def write_integration(**fields):
    now = only("get_integrations")
    if "RequestParameters" in fields:
        fields["RequestParameters"] = {**now["RequestParameters"], **fields["RequestParameters"]}
    apis.update_integration(ApiId=api, IntegrationId=now["IntegrationId"], **fields)


for field, setting in {
    "method": {"IntegrationMethod": "GET"},
    "timeout_ms": {"TimeoutInMillis": 1000},
    "uri": {"IntegrationUri": "http://192.0.2.1"},
    "other_rewriting": {"RequestParameters": {"overwrite:header.x-mine": "one"}},
    "path": {"RequestParameters": {"overwrite:path": "/elsewhere"}},
}.items():
    CHANGES[("api-integration.machine", field)] = lambda setting=setting: write_integration(**setting)
fixed("api-integration.machine", "an HTTP API has no other type that leads to an address", "type")
for field, setting in {
    "audience": lambda now: {"JwtConfiguration": {**now["JwtConfiguration"], "Audience": ["another"]}},
    "issuer": lambda now: {"JwtConfiguration": {**now["JwtConfiguration"], "Issuer": "https://example.com"}},
    "source": lambda now: {"IdentitySource": ["$request.querystring.token"]},
}.items():

    def act(setting=setting):
        now = only("get_authorizers")
        apis.update_authorizer(ApiId=api, AuthorizerId=now["AuthorizerId"], **setting(now))

    CHANGES[("api-authorizer.tokens", field)] = act
fixed("api-authorizer.tokens", "another type would be another authorizer", "type")


def write_route(key, **fields):
    apis.update_route(ApiId=api, RouteId=only("get_routes", RouteKey=key)["RouteId"], **fields)


ADMIN, PUBLIC = "ANY /api/v1/admin/{proxy+}", "ANY /api/{proxy+}"
CHANGES[("api-route.admin", "authorization")] = lambda: write_route(ADMIN, AuthorizationType="NONE")
CHANGES[("api-route.public", "authorization")] = lambda: write_route(PUBLIC, AuthorizationType="AWS_IAM")
CHANGES[("api-route.admin", "authorizer")] = lambda: write_route(ADMIN, AuthorizerId="abcdef")
CHANGES[("api-route.admin", "target")] = lambda: write_route(ADMIN, Target="integrations/abcdef")
CHANGES[("api-route.public", "target")] = lambda: write_route(PUBLIC, Target="integrations/abcdef")
for field, setting in {
    "auto_deploy": {"AutoDeploy": False},
    "throttle_burst": {"DefaultRouteSettings": {"ThrottlingBurstLimit": 7, "ThrottlingRateLimit": 100.0}},
    "throttle_rate": {"DefaultRouteSettings": {"ThrottlingBurstLimit": 200, "ThrottlingRateLimit": 3.0}},
}.items():
    CHANGES[("api-stage.default", field)] = lambda setting=setting: apis.update_stage(
        ApiId=api, StageName="$default", **setting
    )

# Edge ------------------------------------------------------------------------------------------------------------

cdn = aws("cloudfront")
distribution = OUTPUTS["distribution_id"]


def edit_distribution(edit):
    def act():
        answer = cdn.get_distribution_config(Id=distribution)
        edit(answer["DistributionConfig"])
        cdn.update_distribution(Id=distribution, IfMatch=answer["ETag"], DistributionConfig=answer["DistributionConfig"])

    return act


def first_behavior(config):
    config["CacheBehaviors"]["Items"][0]["Compress"] = False


def default_behavior(config):
    config["DefaultCacheBehavior"]["ViewerProtocolPolicy"] = "allow-all"


def first_origin(config):
    config["Origins"]["Items"][0]["ConnectionAttempts"] = 1
    config["Origins"]["Items"][0]["DomainName"] = "example.com"


for field, edit in {
    "behaviors": first_behavior,
    "default_behavior": default_behavior,
    "origins": first_origin,
    "default_root_object": lambda config: config.update(DefaultRootObject="other.html"),
    "enabled": lambda config: config.update(Enabled=False),
    "http_version": lambda config: config.update(HttpVersion="http1.1"),
    "ipv6": lambda config: config.update(IsIPV6Enabled=False),
    "price_class": lambda config: config.update(PriceClass="PriceClass_100"),
    "web_acl": lambda config: config.update(WebACLId=""),
}.items():
    CHANGES[("distribution.shop", field)] = edit_distribution(edit)
CHANGES[("distribution.shop", "aliases")] = edit_distribution(lambda config: config.update(Aliases={"Quantity": 0}))
CHANGES[("distribution.shop", "certificate")] = edit_distribution(
    lambda config: config["ViewerCertificate"].update(MinimumProtocolVersion="TLSv1.2_2018")
)
fixed("distribution.shop", "it is how the distribution is found: another is a foreign one's", "comment")


@change("distribution-metrics.shop", "status")
def _():
    subscription = {"RealtimeMetricsSubscriptionConfig": {"RealtimeMetricsSubscriptionStatus": "Disabled"}}
    cdn.create_monitoring_subscription(DistributionId=distribution, MonitoringSubscription=subscription)


@change("pricing-plan.shop", "enrolment")
def _():
    arn = cdn.get_distribution(Id=distribution)["Distribution"]["ARN"]
    acl = cdn.get_distribution_config(Id=distribution)["DistributionConfig"]["WebACLId"]
    plans = aws("pricing-plan-manager", "us-east-1")
    plans.create_subscription(planFamily="CloudFront", planTier="FREE", resourceArns=[arn, acl])


def write_function(code=None, runtime=None, publish=False):
    name = f"{STACK}-site"
    now = cdn.describe_function(Name=name, Stage="DEVELOPMENT")
    config = now["FunctionSummary"]["FunctionConfig"]
    old = cdn.get_function(Name=name, Stage="DEVELOPMENT")["FunctionCode"].read()
    config = {"Comment": config["Comment"], "Runtime": runtime or config["Runtime"]}
    etag = lambda: cdn.describe_function(Name=name, Stage="DEVELOPMENT")["ETag"]
    cdn.update_function(Name=name, IfMatch=etag(), FunctionConfig=config, FunctionCode=code or old)
    if publish:
        cdn.publish_function(Name=name, IfMatch=etag())
        cdn.update_function(Name=name, IfMatch=etag(), FunctionConfig=config, FunctionCode=old)


OTHER_CODE = b"function handler(event) { return event.request; }"
CHANGES[("function.site", "code")] = lambda: write_function(code=OTHER_CODE)
CHANGES[("function.site", "published_code")] = lambda: write_function(code=OTHER_CODE, publish=True)
CHANGES[("function.site", "runtime")] = lambda: write_function(runtime="cloudfront-js-1.0")


def write_access_control(**fields):
    items = cdn.list_origin_access_controls()["OriginAccessControlList"]["Items"]
    ours = next(item for item in items if item["Name"] == f"{STACK}-site")
    now = cdn.get_origin_access_control(Id=ours["Id"])
    config = now["OriginAccessControl"]["OriginAccessControlConfig"]
    cdn.update_origin_access_control(
        Id=ours["Id"], IfMatch=now["ETag"], OriginAccessControlConfig={**config, **fields}
    )


CHANGES[("access-control.site", "signing")] = lambda: write_access_control(SigningBehavior="never")
CHANGES[("access-control.site", "origin_type")] = lambda: write_access_control(OriginAccessControlOriginType="lambda")
fixed("access-control.site", "CloudFront has no other signing protocol", "signing_protocol")

waf = aws("wafv2", "us-east-1")


def edit_firewall(edit):
    def act():
        ours = next(
            item for item in waf.list_web_acls(Scope="CLOUDFRONT")["WebACLs"] if item["Name"] == f"{STACK}-firewall"
        )
        identity = {"Name": ours["Name"], "Id": ours["Id"], "Scope": "CLOUDFRONT"}
        answer = waf.get_web_acl(**identity)
        now = answer["WebACL"]
        request = {key: now[key] for key in ["DefaultAction", "Rules", "VisibilityConfig"]}
        edit(request)
        waf.update_web_acl(**identity, LockToken=answer["LockToken"], **request)

    return act


CHANGES[("web-acl.shop", "default")] = edit_firewall(lambda acl: acl.update(DefaultAction={"Block": {}}))
CHANGES[("web-acl.shop", "rules")] = edit_firewall(lambda acl: acl["Rules"].pop())
CHANGES[("web-acl.shop", "metrics")] = edit_firewall(
    lambda acl: acl["VisibilityConfig"].update(CloudWatchMetricsEnabled=False)
)

# Domain ----------------------------------------------------------------------------------------------------------

dns = aws("route53")
certificates = aws("acm", "us-east-1")
DOMAIN = OUTPUTS["domain"]


def our_zone():
    zones = dns.list_hosted_zones_by_name(DNSName=DOMAIN)["HostedZones"]
    return next(zone["Id"].removeprefix("/hostedzone/") for zone in zones if zone["Name"] == DOMAIN + ".")


def redirect(kind, value):
    for record in dns.list_resource_record_sets(HostedZoneId=our_zone())["ResourceRecordSets"]:
        if record["Type"] == kind:
            other = {"Name": record["Name"], "Type": kind, "TTL": 60, "ResourceRecords": [{"Value": value}]}
            batch = {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": other}]}
            dns.change_resource_record_sets(HostedZoneId=our_zone(), ChangeBatch=batch)


CHANGES[("dns-record.ipv4", "target")] = lambda: redirect("A", "192.0.2.1")
CHANGES[("dns-record.ipv6", "target")] = lambda: redirect("AAAA", "2001:db8::1")
CHANGES[("dns-record.validation", "target")] = lambda: redirect("CNAME", "elsewhere.example.")


@change("hosted-zone.shop", "tags")
def _():
    dns.change_tags_for_resource(ResourceType="hostedzone", ResourceId=our_zone(), RemoveTagKeys=["jewel:role"])


@change("certificates.former", "unused")
def _():
    ours = next(one for one in certificates.list_certificates()["CertificateSummaryList"] if one["DomainName"] == DOMAIN)
    tags = certificates.list_tags_for_certificate(CertificateArn=ours["CertificateArn"])["Tags"]
    certificates.request_certificate(DomainName="former.example", ValidationMethod="DNS", Tags=tags)


fixed("certificate.shop", "its state is its issuer's to say", "state")

# Watching --------------------------------------------------------------------------------------------------------

SETTINGS = ["AlarmName", "AlarmDescription", "ActionsEnabled", "OKActions", "AlarmActions", "InsufficientDataActions"]
SETTINGS += ["MetricName", "Namespace", "Statistic", "Dimensions", "Period", "EvaluationPeriods", "DatapointsToAlarm"]
SETTINGS += ["Threshold", "ComparisonOperator", "TreatMissingData", "ExtendedStatistic", "Unit"]


def edit_alarm(name, region, edit):
    watch = aws("cloudwatch", region)
    now = watch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]
    changed = edit(now)
    request = {**{key: now[key] for key in SETTINGS if now.get(key) is not None}, **changed}
    if "ExtendedStatistic" in request:
        # It has one or the other.
        request.pop("ExtendedStatistic" if "Statistic" in changed else "Statistic", None)
    watch.put_metric_alarm(**request)


def other(key, *values):
    return lambda now: {key: next(value for value in values if value != now.get(key))}


ALARM_EDITS = {
    "actions": lambda now: {"AlarmActions": []},
    "actions_enabled": lambda now: {"ActionsEnabled": False},
    "comparison": other("ComparisonOperator", "LessThanOrEqualToThreshold", "GreaterThanThreshold"),
    "datapoints": lambda now: {"DatapointsToAlarm": now["DatapointsToAlarm"] - 1},
    "description": lambda now: {"AlarmDescription": "something else"},
    "dimensions": lambda now: {"Dimensions": [{"Name": "Another", "Value": "one"}]},
    "metric": lambda now: {"MetricName": "Another"},
    "missing_data": other("TreatMissingData", "breaching", "ignore"),
    "period_s": other("Period", 120, 180),
    "periods": lambda now: {"EvaluationPeriods": now["EvaluationPeriods"] + 1},
    "statistic": other("Statistic", "SampleCount", "Minimum"),
    "threshold": lambda now: {"Threshold": now["Threshold"] + 0.5},
}


# All there are, so that a new one needs no line here.
ALARMS = {}
for region in ["us-east-1", None]:
    for one in aws("cloudwatch", region).describe_alarms(AlarmNamePrefix=f"{STACK}-")["MetricAlarms"]:
        if f":{region or HOME}:" in one["AlarmArn"]:
            ALARMS[one["AlarmName"]] = (region, one)
for name, (region, one) in ALARMS.items():
    address = f"alarm.{name.removeprefix(STACK + '-')}"
    for field, edit in ALARM_EDITS.items():
        CHANGES[(address, field)] = lambda name=name, region=region, edit=edit: edit_alarm(name, region, edit)
    if one.get("ExtendedStatistic"):
        del CHANGES[(address, "statistic")]
        fixed(address, "the local cloud keeps an average beside the percentile it is replaced by", "statistic")
    if one.get("DatapointsToAlarm", 1) == 1:
        del CHANGES[(address, "datapoints")]
        fixed(address, "of one period one datapoint is the least and the most", "datapoints")


@change("dashboard.shop", "body")
def _():
    widget = {"type": "text", "x": 0, "y": 0, "width": 3, "height": 3, "properties": {"markdown": "mine"}}
    aws("cloudwatch").put_dashboard(DashboardName=STACK, DashboardBody=json.dumps({"widgets": [widget]}))


@change("log-group.api", "retention_days")
def _():
    aws("logs").put_retention_policy(logGroupName=f"/jewel/{STACK}/api", retentionInDays=1)


def open_topic(name, region):
    arn = f"arn:aws:sns:{region or HOME}:{ACCOUNT}:{name}"
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": arn}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    aws("sns", region).set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(document))


def unsubscribe(name, region):
    arn = f"arn:aws:sns:{region or HOME}:{ACCOUNT}:{name}"
    for one in aws("sns", region).list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]:
        aws("sns", region).unsubscribe(SubscriptionArn=one["SubscriptionArn"])


for address, region in [("topic.alarms", None), ("topic.edge-alarms", "us-east-1")]:
    name = f"{STACK}-{address.removeprefix('topic.')}"
    CHANGES[(address, "policy")] = lambda name=name, region=region: open_topic(name, region)
    CHANGES[(address, "emails")] = lambda name=name, region=region: unsubscribe(name, region)

trails = aws("cloudtrail")
for field, setting in {
    "bucket": {"S3BucketName": bucket("backups")},
    # A trail of all Regions cannot do without them.
    "global_events": {"IncludeGlobalServiceEvents": False, "IsMultiRegionTrail": False},
    "multi_region": {"IsMultiRegionTrail": False},
    "validation": {"EnableLogFileValidation": False},
}.items():
    CHANGES[("trail.account", field)] = lambda setting=setting: trails.update_trail(Name=STACK, **setting)
ALSO[("trail.account", "global_events")] = [("trail.account", "multi_region")]
CHANGES[("trail.account", "logging")] = lambda: trails.stop_logging(Name=STACK)


@change("trail.account", "tags")
def _():
    arn = trails.get_trail(Name=STACK)["Trail"]["TrailARN"]
    trails.remove_tags(ResourceId=arn, TagsList=[{"Key": "jewel:role"}])


budgets = aws("budgets", "us-east-1")


def write_budget(**fields):
    now = budgets.describe_budget(AccountId=ACCOUNT, BudgetName=STACK)["Budget"]
    kept = {key: now[key] for key in ["BudgetName", "BudgetLimit", "TimeUnit", "BudgetType"]}
    budgets.update_budget(AccountId=ACCOUNT, NewBudget={**kept, **fields})


CHANGES[("budget.account", "limit")] = lambda: write_budget(BudgetLimit={"Amount": "9000", "Unit": "USD"})
CHANGES[("budget.account", "time_unit")] = lambda: write_budget(TimeUnit="QUARTERLY")
fixed("budget.account", "AWS refuses another type of an existing budget", "type")


@change("budget.account", "notifications")
def _():
    notice = budgets.describe_notifications_for_budget(AccountId=ACCOUNT, BudgetName=STACK)["Notifications"][0]
    kept = {k: notice[k] for k in ["NotificationType", "ComparisonOperator", "Threshold", "ThresholdType"]}
    budgets.delete_notification(AccountId=ACCOUNT, BudgetName=STACK, Notification=kept)


backup = aws("backup")


def our_plan():
    return next(plan for plan in backup.list_backup_plans()["BackupPlansList"] if plan["BackupPlanName"] == STACK)


@change("backup-plan.daily", "rules")
def _():
    rule = {"RuleName": "daily", "TargetBackupVaultName": STACK, "ScheduleExpression": "cron(0 1 1 * ? *)"}
    plan = {"BackupPlanName": STACK, "Rules": [rule]}
    backup.update_backup_plan(BackupPlanId=our_plan()["BackupPlanId"], BackupPlan=plan)


def reselect(**fields):
    plan = our_plan()["BackupPlanId"]
    now = backup.list_backup_selections(BackupPlanId=plan)["BackupSelectionsList"][0]
    was = backup.get_backup_selection(BackupPlanId=plan, SelectionId=now["SelectionId"])["BackupSelection"]
    kept = {key: was[key] for key in ["SelectionName", "IamRoleArn", "Resources"]}
    backup.delete_backup_selection(BackupPlanId=plan, SelectionId=now["SelectionId"])
    backup.create_backup_selection(BackupPlanId=plan, BackupSelection={**kept, **fields})


CHANGES[("backup-selection.media", "resources")] = lambda: reselect(Resources=["arn:aws:s3:::another-bucket"])
CHANGES[("backup-selection.media", "role")] = lambda: reselect(IamRoleArn=f"arn:aws:iam::{ACCOUNT}:role/another")

# ------------------------------------------------------------------------------------------------------------------

table = {
    "changes": [{"address": a, "field": f, "also": ALSO.get((a, f), [])} for a, f in sorted(CHANGES)],
    "unchangeable": [{"address": a, "field": f, "why": why} for (a, f), why in sorted(UNCHANGEABLE.items())],
}
print(json.dumps(table))
sys.stdout.flush()
for line in sys.stdin:
    answers = []
    for address, field in json.loads(line):
        try:
            CHANGES[(address, field)]()
            answers.append(None)
        except Exception as error:
            answers.append(repr(error))
    print(json.dumps(answers), flush=True)
