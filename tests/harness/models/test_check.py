"""The checker must find each kind of mistake in each protocol, and none where there is none.

Requests are made by botocore with its own checks turned off, so that bad ones get onto the wire; what no SDK would write
at all is put into the bytes by hand.
"""

import base64
import re
import unittest

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from check import violations

LONG = "a" * 200


def record(service, operation, **parameters):
    """The request that botocore sends for a call, as the proxy records it."""
    client = boto3.client(
        service,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="b",
        endpoint_url="http://127.0.0.1:9",
        config=Config(parameter_validation=False, s3={"addressing_style": "path"}, retries={"total_max_attempts": 1}),
    )
    sent = []

    def keep(request, **_):
        sent.append(request)
        return AWSResponse(request.url, 500, {}, None)

    client.meta.events.register_first("before-send", keep)
    try:
        getattr(client, operation)(**parameters)
    except Exception:
        if not sent:
            raise
    request = sent[0]
    headers = {
        name.lower(): value.decode() if isinstance(value, bytes) else value for name, value in request.headers.items()
    }
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", headers.pop("authorization"))
    body = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, str):
        body = body.encode()
    return {
        "service": scope.group(1),
        "method": request.method,
        "path": request.url.removeprefix("http://127.0.0.1:9"),
        "headers": headers,
        "body": base64.b64encode(body).decode(),
    }


def alter(one, before, after):
    """The same request with other bytes in its body."""
    body = base64.b64decode(one["body"])
    assert before in body, body
    return {**one, "body": base64.b64encode(body.replace(before, after)).decode()}


def found(one):
    return sorted((wrong["rule"], wrong["path"]) for wrong in violations(one)[1])


RULE = {"ID": "tidy", "Status": "Enabled", "Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 9}}
DISTRIBUTION = {
    "CallerReference": "a",
    "Comment": "",
    "Enabled": True,
    "Origins": {"Quantity": 1, "Items": [{"Id": "site", "DomainName": "site.example.com"}]},
    "DefaultCacheBehavior": {"TargetOriginId": "site", "ViewerProtocolPolicy": "redirect-to-https"},
}


class Good(unittest.TestCase):
    def test_nothing_is_wrong(self):
        alarm = {"AlarmName": "a", "ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Threshold": 1.5}
        for call, one in {
            "CreateInstances": record(
                "lightsail", "create_instances", instanceNames=["shop-prod"], availabilityZone="ap-southeast-1a",
                blueprintId="ubuntu_24_04", bundleId="small_3_0", tags=[{"key": "a", "value": "b"}],
            ),
            "PutBucketLifecycleConfiguration": record(
                "s3", "put_bucket_lifecycle_configuration", Bucket="shop", LifecycleConfiguration={"Rules": [RULE, RULE]}
            ),
            "PutObject": record("s3", "put_object", Bucket="shop", Key="a/b", Body=b"a", IfNoneMatch="*"),
            "ListObjectsV2": record("s3", "list_objects_v2", Bucket="shop", Prefix="a"),
            "HeadBucket": record("s3", "head_bucket", Bucket="shop"),
            "CreateDistribution": record("cloudfront", "create_distribution", DistributionConfig=DISTRIBUTION),
            "CreateUser": record("iam", "create_user", UserName="shop", Tags=[{"Key": "a", "Value": "b"}]),
            "CreateTopic": record("sns", "create_topic", Name="shop", Attributes={"DisplayName": "Shop"}),
            "CreateIntegration": record("apigatewayv2", "create_integration", ApiId="a", IntegrationType="HTTP_PROXY"),
            "PutMetricAlarm": record("cloudwatch", "put_metric_alarm", **alarm),
            "GetCallerIdentity": record("sts", "get_caller_identity"),
            "CreateBackupVault": record("backup", "create_backup_vault", BackupVaultName="shop"),
        }.items():
            with self.subTest(call):
                self.assertEqual(violations(one), (call, []))


class Bad(unittest.TestCase):
    def test_each_rule(self):
        pool = record("cognito-idp", "create_user_pool", PoolName="shop")
        for expected, one in [
            # JSON
            (("required", ".bundleId"), record(
                "lightsail", "create_instances", instanceNames=["shop"], availabilityZone="a", blueprintId="b")),
            (("pattern", ".instanceName"), record("lightsail", "get_instance", instanceName="-")),
            (("enum", ".protocol"), record(
                "lightsail", "create_contact_method", protocol="Carrier", contactEndpoint="a@example.com")),
            (("max", ".PoolName"), record("cognito-idp", "create_user_pool", PoolName=LONG)),
            (("min", ".MaxResults"), record("cognito-idp", "list_user_pools", MaxResults=0)),
            (("type", ".PoolName"), record("cognito-idp", "create_user_pool", PoolName=7)),
            (("unknown", ".Colour"), alter(pool, b"{", b'{"Colour": "red", ')),
            # REST and JSON
            (("required", ".IntegrationType"), record("apigatewayv2", "create_integration", ApiId="a")),
            (("enum", ".IntegrationType"), record("apigatewayv2", "create_integration", ApiId="a", IntegrationType="FTP")),
            (("unknown", ".colour"), alter(
                record("apigatewayv2", "create_api", Name="a", ProtocolType="HTTP"), b"{", b'{"colour": 1, ')),
            (("pattern", ".BackupVaultName"), record("backup", "create_backup_vault", BackupVaultName="a b")),
            # REST and XML
            (("required", ".Tagging.TagSet[].Value"), record(
                "s3", "put_bucket_tagging", Bucket="shop", Tagging={"TagSet": [{"Key": "a"}]})),
            (("enum", ".LifecycleConfiguration.Rules[].Status"), record(
                "s3", "put_bucket_lifecycle_configuration", Bucket="shop",
                LifecycleConfiguration={"Rules": [{**RULE, "Status": "On"}]})),
            (("type", ".LifecycleConfiguration.Rules[].NoncurrentVersionExpiration.NoncurrentDays"), record(
                "s3", "put_bucket_lifecycle_configuration", Bucket="shop",
                LifecycleConfiguration={"Rules": [{**RULE, "NoncurrentVersionExpiration": {"NoncurrentDays": "soon"}}]})),
            (("unknown", ".Colour"), alter(
                record("s3", "put_bucket_versioning", Bucket="shop", VersioningConfiguration={"Status": "Enabled"}),
                b"<Status>", b"<Colour>red</Colour><Status>")),
            (("unknown", "?colour"), {**record("s3", "list_objects_v2", Bucket="shop"), "path": "/shop?list-type=2&colour=red"}),
            (("min", ".DistributionConfig.Origins.Items"), record(
                "cloudfront", "create_distribution",
                DistributionConfig={**DISTRIBUTION, "Origins": {"Quantity": 0, "Items": []}})),
            # Forms
            (("pattern", ".UserName"), record("iam", "create_user", UserName="a b")),
            (("max", ".UserName"), record("iam", "create_user", UserName=LONG)),
            (("enum", ".Status"), record("iam", "update_access_key", AccessKeyId="A" * 20, Status="Off")),
            (("required", ".RoleName"), record("iam", "create_role", AssumeRolePolicyDocument="{}")),
            (("unknown", ".Colour"), alter(record("iam", "create_user", UserName="a"), b"UserName", b"Colour=red&UserName")),
            (("max", ".MaxItems"), record("iam", "list_users", MaxItems=5000)),
            # CBOR
            (("required", ".DashboardBody"), record("cloudwatch", "put_dashboard", DashboardName="a")),
            (("min", ".Period"), record(
                "cloudwatch", "put_metric_alarm", AlarmName="a", EvaluationPeriods=1, Period=0,
                ComparisonOperator="GreaterThanThreshold")),
            (("enum", ".ComparisonOperator"), record(
                "cloudwatch", "put_metric_alarm", AlarmName="a", EvaluationPeriods=1, ComparisonOperator=">")),
        ]:
            with self.subTest(f"{one['service']} {expected}"):
                self.assertIn(expected, found(one))

    def test_what_is_no_call_at_all(self):
        pool = record("cognito-idp", "create_user_pool", PoolName="shop")
        for one in [
            {**pool, "headers": {**pool["headers"], "x-amz-target": "AWSCognitoIdentityProviderService.MakePool"}},
            {**pool, "service": "tea"},
            {**record("backup", "list_backup_vaults"), "path": "/backup-cellars"},
            {**pool, "body": base64.b64encode(b"{").decode()},
        ]:
            self.assertEqual([rule for rule, _ in found(one)], ["unreadable"])

    def test_no_value_is_ever_shown(self):
        one = record("iam", "create_user", UserName="Geheim 123")
        self.assertEqual(violations(one)[1][0]["value"], "text of 10: Aaaaaa 000")


if __name__ == "__main__":
    unittest.main()
