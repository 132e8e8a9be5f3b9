"""What the pipeline's role opens, and what it does not. Two ways to call:

`role`: makes the role of an environment from the documents that the tool prints, as who manages IAM by hand does, and
prints credentials of a job that took it. `rights`: with such credentials, what is denied, a line for each call.

Input: one line of JSON, with `do` and what it needs.
"""

import base64
import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

CONFIG = Config(retries={"total_max_attempts": 1})
ASKED = json.loads(sys.stdin.readline())
STACK, OTHER = ASKED["stack"], "shop-prod"
ACCOUNT = boto3.client("sts").get_caller_identity()["Account"]
HOME = boto3.client("s3").meta.region_name
ISSUER = "https://token.actions.githubusercontent.com"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/{STACK}-ci"


def token(subject, audience="sts.amazonaws.com"):
    """A token as GitHub makes them, but for the signature, which the local cloud does not check."""
    parts = [{"alg": "none"}, {"iss": ISSUER, "aud": audience, "sub": subject}]
    coded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*coded, "x"])


def take(subject, **more):
    assume = boto3.client("sts", config=CONFIG).assume_role_with_web_identity
    return assume(RoleArn=ROLE, RoleSessionName="job", WebIdentityToken=token(subject, **more), DurationSeconds=7200)


def outcome(call):
    try:
        call()
        return "ok"
    except ClientError as error:
        code = error.response["Error"]["Code"]
        return "denied" if code in DENIALS else code


DENIALS = {"AccessDenied", "AccessDeniedException", "403", "AuthorizationError", "UnauthorizedOperation"}


def make_role():
    iam, project_env = boto3.client("iam"), STACK.split("-")
    marks = zip(("project", "env", "role"), (*project_env, "ci"))
    iam.create_role(
        RoleName=f"{STACK}-ci",
        AssumeRolePolicyDocument=json.dumps(ASKED["trust"]),
        MaxSessionDuration=7200,
        Tags=[{"Key": f"jewel:{key}", "Value": value} for key, value in marks],
    )
    iam.put_role_policy(RoleName=f"{STACK}-ci", PolicyName="ci", PolicyDocument=json.dumps(ASKED["policy"]))


def role():
    if "policy" in ASKED:
        make_role()
    branch = "ref:refs/heads/main"
    strangers = {
        "another repository": lambda: take(f"repo:somebody/shop:{branch}"),
        "another branch": lambda: take("repo:maison/permata:ref:refs/heads/try"),
        "a pull request": lambda: take("repo:maison/permata:pull_request"),
        "another audience": lambda: take(f"repo:maison/permata:{branch}", audience="somebody"),
    }
    refused = {name: outcome(call) for name, call in strangers.items()}
    credentials = take(f"repo:maison/permata:{branch}")["Credentials"]
    print(json.dumps({"refused": refused, "credentials": {
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
    }}))


def rights():
    keys = ASKED["credentials"]
    session = boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], keys["AWS_SESSION_TOKEN"])
    api = lambda service, region=None: session.client(service, region_name=region, config=CONFIG)
    ours, theirs = ASKED["ours"], ASKED["theirs"]
    s3, iam, secrets, lightsail = api("s3"), api("iam"), api("secretsmanager"), api("lightsail")
    cognito, cdn, apis, backup = api("cognito-idp"), api("cloudfront"), api("apigatewayv2"), api("backup")
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    nothing = json.dumps({"Version": "2012-10-17", "Statement": []})
    assume = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
    arn = lambda service, rest, region=HOME: f"arn:aws:{service}:{region}:{ACCOUNT}:{rest}"
    marks = {"jewel:project": "shop", "jewel:env": STACK.split("-")[1]}
    pairs = [{"Key": key, "Value": value} for key, value in marks.items()]
    lower = [{"key": key, "value": value} for key, value in marks.items()]
    site = boto3.client("s3").put_object(Bucket=ours["site_bucket"], Key="a-page", Body=b"1")["VersionId"]
    theirs_arn = boto3.client("cloudfront").get_distribution(Id=theirs["distribution_id"])["Distribution"]["ARN"]
    config = boto3.client("cloudfront").get_distribution_config(Id=theirs["distribution_id"])
    paths = {"Paths": {"Quantity": 1, "Items": ["/*"]}, "CallerReference": "one"}
    short = {"Rules": [{"Status": "Enabled", "Filter": {"Prefix": ""}, "Expiration": {"Days": 1}}]}
    instance = {"availabilityZone": f"{HOME}a", "blueprintId": "ubuntu_24_04", "bundleId": "small_3_0"}
    calls = {
        # Its data.
        "delete the database": lambda: lightsail.delete_relational_database(
            relationalDatabaseName=ours["database_name"], skipFinalSnapshot=True
        ),
        "delete a bucket": lambda: s3.delete_bucket(Bucket=ours["backups_bucket"]),
        "delete a version": lambda: s3.delete_object(Bucket=ours["site_bucket"], Key="a-page", VersionId=site),
        "delete a picture": lambda: s3.delete_object(Bucket=ours["media_bucket"], Key="media/a"),
        "delete a backup": lambda: s3.delete_object(Bucket=ours["backups_bucket"], Key="journal/1/a"),
        "read a backup": lambda: s3.get_object(Bucket=ours["backups_bucket"], Key="journal/1/a"),
        "write a backup": lambda: s3.put_object(Bucket=ours["backups_bucket"], Key="journal/1/a", Body=b"1"),
        "delete the database's secret": lambda: secrets.delete_secret(SecretId=ours["database_secret"]),
        "delete the API's secret": lambda: secrets.delete_secret(SecretId=ours["api_secret"]),
        "delete the keys to the backups": lambda: secrets.delete_secret(SecretId=ours["backup_secret"]),
        "delete the users": lambda: cognito.delete_user_pool(UserPoolId=ours["user_pool_id"]),
        "list the users": lambda: cognito.list_users(UserPoolId=ours["user_pool_id"]),
        "delete the vault": lambda: backup.delete_backup_vault(BackupVaultName=STACK),
        "delete the distribution": lambda: cdn.delete_distribution(Id=ours["distribution_id"], IfMatch="x"),
        "delete the gateway": lambda: apis.delete_api(ApiId=ours["api_id"]),
        "stop the trail": lambda: api("cloudtrail").stop_logging(Name=STACK),
        "delete the trail": lambda: api("cloudtrail").delete_trail(Name=STACK),
        # More rights.
        "a new user": lambda: iam.create_user(UserName="somebody"),
        "a user of its name's kind": lambda: iam.create_user(UserName=f"{STACK}-somebody"),
        "a key of somebody": lambda: iam.create_access_key(UserName=f"{OTHER}-api"),
        "the API as an administrator": lambda: iam.attach_user_policy(UserName=f"{STACK}-api", PolicyArn=admin),
        "AWS Backup as an administrator": lambda: iam.attach_role_policy(RoleName=f"{STACK}-backup", PolicyArn=admin),
        "rights within AWS Backup's role": lambda: iam.put_role_policy(
            RoleName=f"{STACK}-backup", PolicyName="more", PolicyDocument=nothing
        ),
        "itself as an administrator": lambda: iam.attach_role_policy(RoleName=f"{STACK}-ci", PolicyArn=admin),
        "rights for itself": lambda: iam.put_role_policy(
            RoleName=f"{STACK}-ci", PolicyName="ci", PolicyDocument=nothing
        ),
        "others to take its role": lambda: iam.update_assume_role_policy(
            RoleName=f"{STACK}-ci", PolicyDocument=assume
        ),
        "another role": lambda: iam.create_role(RoleName="somebody", AssumeRolePolicyDocument=assume),
        "another policy": lambda: iam.create_policy(PolicyName="somebody", PolicyDocument=nothing),
        "another audience": lambda: iam.add_client_id_to_open_id_connect_provider(
            OpenIDConnectProviderArn=f"arn:aws:iam::{ACCOUNT}:oidc-provider/{ISSUER[8:]}", ClientID="somebody"
        ),
        "another identity provider": lambda: iam.create_open_id_connect_provider(Url="https://somebody.example"),
        "another environment's role": lambda: api("sts").assume_role(
            RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{OTHER}-ci", RoleSessionName="job"
        ),
        # Another environment.
        "another's pages": lambda: s3.put_object(Bucket=theirs["site_bucket"], Key="index.html", Body=b"1"),
        "another's lock": lambda: s3.get_object(Bucket=theirs["operations_bucket"], Key="lock"),
        "another's pictures": lambda: s3.get_object(Bucket=theirs["media_bucket"], Key="media/a"),
        "another's lifecycle": lambda: s3.put_bucket_lifecycle_configuration(
            Bucket=theirs["media_bucket"], LifecycleConfiguration=short
        ),
        "another's bucket policy": lambda: s3.delete_bucket_policy(Bucket=theirs["site_bucket"]),
        "a bucket of another name": lambda: s3.create_bucket(
            Bucket=f"somebody-{ACCOUNT}", CreateBucketConfiguration={"LocationConstraint": HOME}
        ),
        "another's secret": lambda: secrets.get_secret_value(SecretId=theirs["database_secret"]),
        "another's API's secret": lambda: secrets.put_secret_value(SecretId=theirs["api_secret"], SecretString="{}"),
        "another's instance": lambda: lightsail.put_instance_public_ports(
            instanceName=theirs["instance_name"], portInfos=[{"fromPort": 22, "toPort": 22, "protocol": "tcp"}]
        ),
        "another's machine's keys": lambda: lightsail.get_instance_access_details(
            instanceName=theirs["instance_name"]
        ),
        "another's instance's end": lambda: lightsail.delete_instance(instanceName=theirs["instance_name"]),
        "another's database": lambda: lightsail.update_relational_database(
            relationalDatabaseName=theirs["database_name"], publiclyAccessible=True
        ),
        "another's database's password": lambda: lightsail.get_relational_database_master_user_password(
            relationalDatabaseName=theirs["database_name"]
        ),
        "another's instance marked": lambda: lightsail.tag_resource(resourceName=theirs["instance_name"], tags=lower),
        "an instance without marks": lambda: lightsail.create_instances(instanceNames=["somebody"], **instance),
        "a database without marks": lambda: lightsail.create_relational_database(
            relationalDatabaseName="somebody", relationalDatabaseBlueprintId="mysql_8_0",
            relationalDatabaseBundleId="micro_2_0", masterDatabaseName="shop", masterUsername="shopadmin",
        ),
        "another's distribution": lambda: cdn.update_distribution(
            Id=theirs["distribution_id"], IfMatch=config["ETag"], DistributionConfig=config["DistributionConfig"]
        ),
        "another's pages forgotten": lambda: cdn.create_invalidation(
            DistributionId=theirs["distribution_id"], InvalidationBatch=paths
        ),
        "another's distribution marked": lambda: cdn.tag_resource(Resource=theirs_arn, Tags={"Items": pairs}),
        "another's users": lambda: cognito.create_group(UserPoolId=theirs["user_pool_id"], GroupName="somebody"),
        "another's gateway": lambda: apis.update_api(ApiId=theirs["api_id"], Description="1"),
        "another's budget": lambda: api("budgets", "us-east-1").describe_budget(AccountId=ACCOUNT, BudgetName=OTHER),
        "another's dashboard": lambda: api("cloudwatch").put_dashboard(DashboardName=OTHER, DashboardBody="{}"),
        "another's alarm": lambda: api("cloudwatch").put_metric_alarm(
            AlarmName=f"{OTHER}-api-errors", MetricName="a", Namespace="a", Period=60, EvaluationPeriods=1,
            Threshold=1, ComparisonOperator="GreaterThanThreshold", Statistic="Sum",
        ),
        "another's topic": lambda: api("sns").subscribe(
            TopicArn=arn("sns", f"{OTHER}-alarms"), Protocol="email", Endpoint="a@example.com"
        ),
        "another's log": lambda: api("logs").put_retention_policy(
            logGroupName=f"/jewel/{OTHER}/api", retentionInDays=1
        ),
        "another's trail": lambda: api("cloudtrail").update_trail(Name=OTHER, S3BucketName="somebody"),
        "another's vault": lambda: backup.describe_backup_vault(BackupVaultName=OTHER),
        # What no shop has.
        "machines of another kind": lambda: api("ec2").describe_instances(),
        "functions": lambda: api("lambda").list_functions(),
        "the other users": lambda: iam.list_users(),
        "the other secrets": lambda: secrets.list_secrets(),
        "the other buckets": lambda: s3.list_buckets(),
    }
    for name, call in calls.items():
        print(json.dumps({"call": name, "got": outcome(call)}))


{"role": role, "rights": rights}[ASKED["do"]]()
