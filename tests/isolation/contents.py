"""Everything that belongs to one stack, with its contents: what another one's end must not touch.

Argument line: the outputs of the stack. Output: one JSON object of sorted texts, without what changes by itself.
"""

import hashlib
import json
import sys

import boto3

OUTPUTS = json.loads(sys.stdin.readline())
STACK = OUTPUTS["stack"]
ACCOUNT = boto3.client("sts").get_caller_identity()["Account"]
s3, secrets, lightsail = boto3.client("s3"), boto3.client("secretsmanager"), boto3.client("lightsail")
cognito, apis, cdn, iam = (boto3.client(name) for name in ["cognito-idp", "apigatewayv2", "cloudfront", "iam"])
# Of the moment: figures, addresses of pages, the age of an answer.
PASSING = {"ResponseMetadata", "LastAccessedDate", "StateUpdatedTimestamp", "StateReasonData", "StateTransitionedTimestamp"}
PASSING |= {"AlarmConfigurationUpdatedTimestamp", "StateReason", "StateValue", "LatestDeliveryTime", "storedBytes"}
PASSING |= {"EstimatedNumberOfUsers", "CalculatedSpend"}


def lasting(value):
    if isinstance(value, dict):
        return {key: lasting(item) for key, item in value.items() if key not in PASSING}
    if isinstance(value, list):
        return [lasting(item) for item in value]
    if hasattr(value, "read"):
        return hashlib.sha256(value.read()).hexdigest()
    return value


FOUND = {}


def note(name, answer):
    FOUND[name] = json.dumps(lasting(answer), sort_keys=True, default=str)


for bucket in s3.list_buckets()["Buckets"]:
    name = bucket["Name"]
    if not name.startswith(f"{STACK}-"):
        continue
    for what in ["bucket_policy", "bucket_tagging", "bucket_versioning", "bucket_encryption", "bucket_cors"]:
        try:
            note(f"{name} {what}", getattr(s3, f"get_{what}")(Bucket=name))
        except s3.exceptions.ClientError as error:
            note(f"{name} {what}", error.response["Error"]["Code"])
    note(f"{name} lifecycle", s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"])
    versions = s3.list_object_versions(Bucket=name)
    for version in versions.get("Versions", []) + versions.get("DeleteMarkers", []):
        note(f"{name}/{version['Key']} {version['VersionId']}", version)
for secret in ["database_secret", "api_secret"]:
    note(secret, secrets.get_secret_value(SecretId=OUTPUTS[secret]))
    note(secret + " versions", secrets.describe_secret(SecretId=OUTPUTS[secret])["VersionIdsToStages"])
note("instance", lightsail.get_instance(instanceName=OUTPUTS["instance_name"]))
note("ports", lightsail.get_instance_port_states(instanceName=OUTPUTS["instance_name"]))
database = lightsail.get_relational_database(relationalDatabaseName=OUTPUTS["database_name"])
# It moves on by itself, as long as the database writes its log.
database["relationalDatabase"].pop("latestRestorableTime", None)
note("database", database)
note("address", lightsail.get_static_ip(staticIpName=f"{STACK}-api"))
pool = OUTPUTS["user_pool_id"]
note("pool", cognito.describe_user_pool(UserPoolId=pool))
note("client", cognito.describe_user_pool_client(UserPoolId=pool, ClientId=OUTPUTS["user_pool_client_id"]))
note("groups", cognito.list_groups(UserPoolId=pool))
note("users", cognito.list_users(UserPoolId=pool))
for what in ["routes", "integrations", "authorizers", "stages"]:
    note(what, getattr(apis, f"get_{what}")(ApiId=OUTPUTS["api_id"]))
note("distribution", cdn.get_distribution(Id=OUTPUTS["distribution_id"]))
note("function", cdn.get_function(Name=f"{STACK}-site", Stage="LIVE"))
note("user", iam.get_user_policy(UserName=f"{STACK}-api", PolicyName="api"))
note("keys", iam.list_access_keys(UserName=f"{STACK}-api"))
note("role", iam.get_role(RoleName=f"{STACK}-backup"))
for region in [None, "us-east-1"]:
    watch = boto3.client("cloudwatch", region_name=region)
    note(f"alarms {region}", watch.describe_alarms(AlarmNamePrefix=f"{STACK}-")["MetricAlarms"])
    sns = boto3.client("sns", region_name=region)
    for topic in sns.list_topics()["Topics"]:
        if f":{STACK}-" in topic["TopicArn"]:
            note(topic["TopicArn"], sns.get_topic_attributes(TopicArn=topic["TopicArn"]))
            note(topic["TopicArn"] + " mails", sns.list_subscriptions_by_topic(TopicArn=topic["TopicArn"]))
note("dashboard", boto3.client("cloudwatch").get_dashboard(DashboardName=STACK))
logs = boto3.client("logs")
note("log", logs.describe_log_groups(logGroupNamePrefix=f"/jewel/{STACK}/")["logGroups"])
trail = boto3.client("cloudtrail")
note("trail", trail.get_trail(Name=STACK))
note("trail runs", trail.get_trail_status(Name=STACK)["IsLogging"])
budgets = boto3.client("budgets", region_name="us-east-1")
note("budget", budgets.describe_budget(AccountId=ACCOUNT, BudgetName=STACK))
backup = boto3.client("backup")
note("vault", backup.describe_backup_vault(BackupVaultName=STACK))
for plan in backup.list_backup_plans()["BackupPlansList"]:
    if plan["BackupPlanName"] == STACK:
        note("plan", backup.get_backup_plan(BackupPlanId=plan["BackupPlanId"]))
waf = boto3.client("wafv2", region_name="us-east-1")
for acl in waf.list_web_acls(Scope="CLOUDFRONT")["WebACLs"]:
    if acl["Name"] == f"{STACK}-firewall":
        note("firewall", waf.get_web_acl(Name=acl["Name"], Id=acl["Id"], Scope="CLOUDFRONT"))
print(json.dumps(FOUND, sort_keys=True))
