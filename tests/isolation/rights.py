"""What the API's own key opens, and what it does not: each call made with it, and what AWS answered.

Input: the outputs of the shop and of another environment beside it. Output: one line for each call, with its name, what is
expected (`ok`, `denied`, or an error code) and what came.
"""

import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

CONFIG = Config(retries={"total_max_attempts": 1})
OURS, THEIRS = json.loads(sys.stdin.readline())
STACK, OTHER = "shop-prod", "shop-staging"
HOME = boto3.client("s3").meta.region_name
ACCOUNT = boto3.client("sts").get_caller_identity()["Account"]
KEY = json.loads(boto3.client("secretsmanager").get_secret_value(SecretId=OURS["api_secret"])["SecretString"])
SESSION = boto3.Session(KEY["access_key_id"], KEY["secret_access_key"])


def api(service, region=None):
    return SESSION.client(service, region_name=region, config=CONFIG)


s3, secrets, watch, logs = api("s3"), api("secretsmanager"), api("cloudwatch"), api("logs")
iam, cognito, apis, cdn = api("iam"), api("cognito-idp"), api("apigatewayv2"), api("cloudfront")
backups, media, site = OURS["backups_bucket"], OURS["media_bucket"], OURS["site_bucket"]
operations, trail = OURS["operations_bucket"], f"{STACK}-trail-{ACCOUNT}"
group = f"/jewel/{STACK}/api"
entry = f"journal/1/{OURS['api_id']}"


def figure(namespace):
    return watch.put_metric_data(Namespace=namespace, MetricData=[{"MetricName": "Orders", "Value": 1}])


def log_event(name):
    events = [{"timestamp": 1_700_000_000_000, "message": "a line"}]
    return logs.put_log_events(logGroupName=name, logStreamName="one", logEvents=events)


# An object for the calls that must not read it.
boto3.client("s3").put_object(Bucket=media, Key="private/notes", Body=b"ours alone")

ALLOWED = {
    "add to the journal": lambda: s3.put_object(Bucket=backups, Key=entry, Body=b"1", IfNoneMatch="*"),
    "put a picture": lambda: s3.put_object(Bucket=media, Key="media/ring.svg", Body=b"<svg/>"),
    "get a picture": lambda: s3.get_object(Bucket=media, Key="media/ring.svg"),
    "read its secret": lambda: secrets.get_secret_value(SecretId=OURS["api_secret"]),
    "count": lambda: figure(f"Jewel/{STACK}"),
    "open a log stream": lambda: logs.create_log_stream(logGroupName=group, logStreamName="one"),
    "log": lambda: log_event(group),
}
DENIED = {
    "overwrite the journal": lambda: s3.put_object(Bucket=backups, Key=entry, Body=b"2"),
    "read the journal": lambda: s3.get_object(Bucket=backups, Key=entry),
    "look at the journal": lambda: s3.head_object(Bucket=backups, Key=entry),
    "delete from the journal": lambda: s3.delete_object(Bucket=backups, Key=entry),
    "delete a version of the journal": lambda: s3.delete_object(Bucket=backups, Key=entry, VersionId="null"),
    "list the backups": lambda: s3.list_objects_v2(Bucket=backups),
    "put a dump": lambda: s3.put_object(Bucket=backups, Key="dumps/1", Body=b"1", IfNoneMatch="*"),
    "unlock an entry": lambda: s3.put_object_retention(
        Bucket=backups, Key=entry, Retention={}, BypassGovernanceRetention=True
    ),
    "change the lock": lambda: s3.put_object_lock_configuration(
        Bucket=backups, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled"}
    ),
    "read beside the pictures": lambda: s3.get_object(Bucket=media, Key="private/notes"),
    "write beside the pictures": lambda: s3.put_object(Bucket=media, Key="private/notes", Body=b"1"),
    "delete a picture": lambda: s3.delete_object(Bucket=media, Key="media/ring.svg"),
    "list the pictures": lambda: s3.list_objects_v2(Bucket=media),
    "publish a page": lambda: s3.put_object(Bucket=site, Key="index.html", Body=b"1"),
    "take the lock": lambda: s3.put_object(Bucket=operations, Key="lock", Body=b"1"),
    "read the records of runs": lambda: s3.list_objects_v2(Bucket=operations),
    "read the trail": lambda: s3.list_objects_v2(Bucket=trail),
    "open a bucket": lambda: s3.delete_public_access_block(Bucket=media),
    "change a bucket's policy": lambda: s3.put_bucket_policy(
        Bucket=media, Policy=json.dumps({"Version": "2012-10-17", "Statement": []})
    ),
    "shorten the lives of backups": lambda: s3.put_bucket_lifecycle_configuration(
        Bucket=backups,
        LifecycleConfiguration={"Rules": [{"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]},
    ),
    "stop keeping versions": lambda: s3.put_bucket_versioning(
        Bucket=media, VersioningConfiguration={"Status": "Suspended"}
    ),
    "delete a bucket": lambda: s3.delete_bucket(Bucket=site),
    "see the buckets": lambda: s3.list_buckets(),
    "another environment's journal": lambda: s3.put_object(
        Bucket=THEIRS["backups_bucket"], Key=entry, Body=b"1", IfNoneMatch="*"
    ),
    "another environment's pictures": lambda: s3.put_object(Bucket=THEIRS["media_bucket"], Key="media/a", Body=b"1"),
    "another environment's secret": lambda: secrets.get_secret_value(SecretId=THEIRS["api_secret"]),
    "another environment's figures": lambda: figure(f"Jewel/{OTHER}"),
    "another environment's log": lambda: logs.create_log_stream(
        logGroupName=f"/jewel/{OTHER}/api", logStreamName="one"
    ),
    "the database's master password": lambda: secrets.get_secret_value(SecretId=OURS["database_secret"]),
    "the keys to the backups": lambda: secrets.get_secret_value(SecretId=OURS["backup_secret"]),
    "rewrite its secret": lambda: secrets.put_secret_value(SecretId=OURS["api_secret"], SecretString="{}"),
    "delete its secret": lambda: secrets.delete_secret(SecretId=OURS["api_secret"]),
    "list the secrets": lambda: secrets.list_secrets(),
    "somebody else's figures": lambda: figure("Another"),
    "delete an alarm": lambda: watch.delete_alarms(AlarmNames=[f"{STACK}-api-errors"]),
    "read the log": lambda: logs.get_log_events(logGroupName=group, logStreamName="one"),
    "delete the log": lambda: logs.delete_log_group(logGroupName=group),
    "a second key for itself": lambda: iam.create_access_key(UserName=f"{STACK}-api"),
    "more rights for itself": lambda: iam.put_user_policy(
        UserName=f"{STACK}-api", PolicyName="more", PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []})
    ),
    "read its own rights": lambda: iam.get_user_policy(UserName=f"{STACK}-api", PolicyName="api"),
    "a new user": lambda: iam.create_user(UserName="somebody"),
    "another role": lambda: api("sts").assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{STACK}-backup", RoleSessionName="one"
    ),
    "the customers": lambda: cognito.list_users(UserPoolId=OURS["user_pool_id"]),
    "an admin": lambda: cognito.admin_add_user_to_group(
        UserPoolId=OURS["user_pool_id"], Username="somebody", GroupName="admins"
    ),
    "the gateway": lambda: apis.get_integrations(ApiId=OURS["api_id"]),
    "the distribution": lambda: cdn.get_distribution_config(Id=OURS["distribution_id"]),
    "forget a page": lambda: cdn.create_invalidation(
        DistributionId=OURS["distribution_id"],
        InvalidationBatch={"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "one"},
    ),
    "the firewall": lambda: api("wafv2", "us-east-1").list_web_acls(Scope="CLOUDFRONT"),
    "an alarm's mail": lambda: api("sns").publish(
        TopicArn=f"arn:aws:sns:{HOME}:{ACCOUNT}:{STACK}-alarms", Message="one"
    ),
    "stop the trail": lambda: api("cloudtrail").stop_logging(Name=STACK),
    "the budget": lambda: api("budgets", "us-east-1").describe_budgets(AccountId=ACCOUNT),
    "the backups of AWS": lambda: api("backup").list_backup_vaults(),
    "the machines": lambda: api("lightsail").get_instances(),
    "the machine's keys": lambda: api("lightsail").get_instance_access_details(instanceName=OURS["instance_name"]),
    "the database's password from Lightsail": lambda: api("lightsail").get_relational_database_master_user_password(
        relationalDatabaseName=OURS["database_name"]
    ),
}
# Allowed as calls, and refused because the entry is there: the journal can only grow.
REFUSED = {"add the same entry again": (ALLOWED["add to the journal"], "PreconditionFailed")}
DENIALS = {"AccessDenied", "AccessDeniedException", "403", "AuthorizationError", "UnrecognizedClientException"}


def outcome(call):
    try:
        call()
        return "ok"
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return "denied" if code in DENIALS else code


for expected, calls in [("ok", ALLOWED), ("denied", DENIED)]:
    for name, call in calls.items():
        print(json.dumps({"call": name, "expected": expected, "got": outcome(call)}))
for name, (call, expected) in REFUSED.items():
    print(json.dumps({"call": name, "expected": expected, "got": outcome(call)}))
