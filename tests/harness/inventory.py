"""Reads a stack's name a line, answers a line: the sorted kinds and names of all that belongs to it.

An item belongs to the stack when its name (or comment, or path) says so. The stack's name is replaced by `shop-ENV`, so
that two stacks can be compared.
"""

import json
import re
import sys

import boto3
from botocore.config import Config

CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 5})


def client(service, region=None):
    return boto3.client(service, region_name=region, config=CONFIG)


lightsail = client("lightsail")
s3 = client("s3")
secrets = client("secretsmanager")
cognito = client("cognito-idp")
apis = client("apigatewayv2")
cdn = client("cloudfront")


def pages(service, operation, key, **arguments):
    if service.can_paginate(operation):
        for page in service.get_paginator(operation).paginate(**arguments):
            yield from page.get(key) or []
        return
    token = {}
    while True:
        page = getattr(service, operation)(**arguments, **token)
        yield from page.get(key) or []
        following = page.get("nextPageToken") or page.get("NextToken")
        if not following:
            return
        token = {"pageToken": following} if "nextPageToken" in page else {"NextToken": following}


def items(stack):
    """Pairs of a kind and a name that has the stack's name in it."""
    ours = lambda name: re.search(re.escape(stack) + r"(?![a-z0-9])", name or "") is not None

    for kind, operation, key in [
        ("instance", "get_instances", "instances"),
        ("database", "get_relational_databases", "relationalDatabases"),
        ("static-ip", "get_static_ips", "staticIps"),
        ("instance-snapshot", "get_instance_snapshots", "instanceSnapshots"),
        ("database-snapshot", "get_relational_database_snapshots", "relationalDatabaseSnapshots"),
        ("alarm", "get_alarms", "alarms"),
        ("load-balancer", "get_load_balancers", "loadBalancers"),
    ]:
        try:
            found = list(pages(lightsail, operation, key))
        except Exception as error:
            if "not" in str(error).lower() and operation in UNBUILT:
                continue
            raise
        for item in found:
            if ours(item["name"]):
                yield kind, item["name"]
                if kind == "static-ip" and item.get("attachedTo"):
                    yield kind + " attached to", item["attachedTo"]

    for contact in lightsail.get_contact_methods()["contactMethods"]:
        tags = {tag["key"]: tag.get("value") for tag in contact["tags"]}
        if ours("{jewel:project}-{jewel:env}".format_map({"jewel:project": "", "jewel:env": "", **tags})):
            yield "contact-method", contact["contactEndpoint"]

    for bucket in s3.list_buckets()["Buckets"]:
        if ours(bucket["Name"]):
            yield "bucket", bucket["Name"]
            for item in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", []):
                # Every run leaves a record, and the cloud a log of every request: that they differ is their purpose.
                if item["Key"].startswith("runs/") or "-logs-" in bucket["Name"]:
                    continue
                yield "object", bucket["Name"] + "/" + item["Key"]

    for secret in pages(secrets, "list_secrets", "SecretList", IncludePlannedDeletion=True):
        if ours(secret["Name"].replace("/", "-")) or ours(secret["Name"]):
            yield "secret", secret["Name"].replace(stack.replace("-", "/", 1), stack)

    for pool in pages(cognito, "list_user_pools", "UserPools", MaxResults=60):
        if ours(pool["Name"]):
            yield "user-pool", pool["Name"]
            identity = pool["Id"]
            for item in pages(cognito, "list_user_pool_clients", "UserPoolClients", UserPoolId=identity, MaxResults=60):
                yield "user-pool-client", item["ClientName"]
            for item in pages(cognito, "list_groups", "Groups", UserPoolId=identity):
                yield "user-pool-group", item["GroupName"]
            domain = cognito.describe_user_pool(UserPoolId=identity)["UserPool"].get("Domain")
            if domain:
                yield "user-pool-domain", domain

    for api in pages(apis, "get_apis", "Items"):
        if ours(api["Name"]):
            yield "api", api["Name"]
            for kind, operation, name in [
                ("route", "get_routes", "RouteKey"),
                ("integration", "get_integrations", "IntegrationType"),
                ("authorizer", "get_authorizers", "Name"),
                ("stage", "get_stages", "StageName"),
            ]:
                for item in pages(apis, operation, "Items", ApiId=api["ApiId"]):
                    yield "api " + kind, item[name]

    for item in distributions():
        if ours(item["Comment"]):
            yield "distribution", item["Comment"]
    for item in cdn.list_functions()["FunctionList"].get("Items", []):
        if ours(item["Name"]):
            yield "function", item["Name"]
    for item in cdn.list_origin_access_controls()["OriginAccessControlList"].get("Items", []):
        if ours(item["Name"]):
            yield "origin-access-control", item["Name"]

    for kind, name in watching():
        if ours(name):
            yield kind, name


# Operations that a local cloud may not have yet.
UNBUILT = {"get_instance_snapshots", "get_relational_database_snapshots", "get_alarms", "get_load_balancers"}


def distributions():
    marker = {}
    while True:
        answer = cdn.list_distributions(**marker)["DistributionList"]
        yield from answer.get("Items", [])
        if not answer.get("IsTruncated"):
            return
        marker = {"Marker": answer["NextMarker"]}


# What a stack may have beside the machines and the shop's front. Regional ones are looked for in both Regions.
WATCHING = [
    ("logs", "describe_log_groups", "logGroups", "logGroupName", {}),
    ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName", {}),
    ("cloudwatch", "list_dashboards", "DashboardEntries", "DashboardName", {}),
    ("sns", "list_topics", "Topics", "TopicArn", {}),
    ("sns", "list_subscriptions", "Subscriptions", "TopicArn", {}),
    ("cloudtrail", "list_trails", "Trails", "Name", {}),
    ("backup", "list_backup_vaults", "BackupVaultList", "BackupVaultName", {}),
    ("backup", "list_backup_plans", "BackupPlansList", "BackupPlanName", {}),
    ("iam", "list_users", "Users", "UserName", {}),
    ("iam", "list_roles", "Roles", "RoleName", {}),
    ("iam", "list_policies", "Policies", "PolicyName", {"Scope": "Local"}),
    ("wafv2", "list_web_acls", "WebACLs", "Name", {"Scope": "CLOUDFRONT"}),
    ("budgets", "describe_budgets", "Budgets", "BudgetName", None),
]
GLOBAL = {"iam", "budgets"}
CLIENTS = {}


def watching():
    for service, operation, key, name, arguments in WATCHING:
        if arguments is None:
            arguments = {"AccountId": ACCOUNT}
        regions = [None] if service in GLOBAL else ["us-east-1"] if service == "wafv2" else [None, "us-east-1"]
        seen = set()
        for region in regions:
            asked = CLIENTS.setdefault((service, region), client(service, region))
            for item in pages(asked, operation, key, **arguments):
                identity = json.dumps(item, sort_keys=True, default=str)
                # A cloud that does not tell Regions apart shows the same item twice.
                if identity not in seen:
                    seen.add(identity)
                    yield service + " " + operation, item[name]
                    if service == "iam" and operation == "list_users":
                        for _ in pages(asked, "list_access_keys", "AccessKeyMetadata", UserName=item[name]):
                            yield "iam access-key", item[name]


ACCOUNT = client("sts").get_caller_identity()["Account"]

for line in sys.stdin:
    stack = line.strip()
    try:
        answer = sorted(f"{kind} {name}".replace(stack, "shop-ENV") for kind, name in items(stack))
    except Exception as error:
        print(f"the inventory: {error!r}", file=sys.stderr, flush=True)
        answer = None
    print(json.dumps(answer), flush=True)
