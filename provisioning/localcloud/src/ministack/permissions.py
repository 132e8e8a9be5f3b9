"""What a request asks permission for, where ministack names another action or a coarser resource than AWS documents.

After the Service Authorization Reference: an operation whose IAM action has another name, resources that are named in a
path or in a field that ministack does not look at, tags that a request sets under another name than `Tags`, the policy
that is attached, and the tags of a resource, which ministack knows of few services. Identity providers can be changed and tagged.
"""

import json
import re
import urllib.parse

# Operations whose action has another name.
ACTIONS = {
    "budgets:CreateBudget": "budgets:ModifyBudget",
    "budgets:CreateNotification": "budgets:ModifyBudget",
    "budgets:CreateSubscriber": "budgets:ModifyBudget",
    "budgets:DeleteBudget": "budgets:ModifyBudget",
    "budgets:DeleteNotification": "budgets:ModifyBudget",
    "budgets:DeleteSubscriber": "budgets:ModifyBudget",
    "budgets:UpdateBudget": "budgets:ModifyBudget",
    "budgets:UpdateNotification": "budgets:ModifyBudget",
    "budgets:UpdateSubscriber": "budgets:ModifyBudget",
    "budgets:DescribeBudget": "budgets:ViewBudget",
    "budgets:DescribeBudgets": "budgets:ViewBudget",
    "budgets:DescribeNotificationsForBudget": "budgets:ViewBudget",
    "budgets:DescribeSubscribersForNotification": "budgets:ViewBudget",
    "cloudfront:CreateDistributionWithTags": "cloudfront:CreateDistribution",
}
TAG_FIELDS = ("UserPoolTags", "BackupPlanTags", "BackupVaultTags", "TagsList")


def fields_of(body):
    try:
        if body[:1] == b"{":
            return json.loads(body)
        import cbor2

        found = cbor2.loads(body) if body else {}
        return found if isinstance(found, dict) else {}
    except Exception:  # a form or XML: its fields are looked for elsewhere
        return {}


def first(params, name):
    value = params.get(name, "")
    return value[0] if isinstance(value, list) else value


def named(service, path, body, params, region, account):
    """The ARN that a request names; None where ministack's own answer stands."""
    fields = fields_of(body)
    segments = [urllib.parse.unquote(part) for part in path.split("/") if part]
    after = lambda name: segments[segments.index(name) + 1] if name in segments[:-1] else None
    written = fields.get("ResourceARN") or fields.get("ResourceArn") or fields.get("resourceArn") or fields.get("ResourceId")
    written = written or (fields.get("ResourceIdList") or [None])[0] or first(params, "ResourceArn")
    if not written and service == "cloudfront":
        written = first(params, "Resource")
    if isinstance(written, str) and written.startswith("arn:"):
        return written
    if service == "budgets":
        name = fields.get("BudgetName") or (fields.get("Budget") or {}).get("BudgetName")
        return f"arn:aws:budgets::{account}:budget/{name}" if name else None
    if service == "backup":
        if vault := after("backup-vaults"):
            return f"arn:aws:backup:{region}:{account}:backup-vault:{vault}"
        if plan := after("plans"):
            return f"arn:aws:backup:{region}:{account}:backup-plan:{plan}"
    if service == "cloudfront":
        if (function := after("function")) is not None:
            return f"arn:aws:cloudfront::{account}:function/{function}"
        if control := after("origin-access-control"):
            return f"arn:aws:cloudfront::{account}:origin-access-control/{control}"
        if subscribed := after("distributions"):
            return f"arn:aws:cloudfront::{account}:distribution/{subscribed}"
    if service == "monitoring":
        if name := fields.get("DashboardName") or first(params, "DashboardName"):
            return f"arn:aws:cloudwatch::{account}:dashboard/{name}"
        if name := fields.get("AlarmName"):
            return f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}"
    if service == "iam":
        return first(params, "OpenIDConnectProviderArn") or None
    return None


def patch_actions(iam_actions):
    action_of, resource_of = iam_actions.extract_iam_action, iam_actions.extract_resource_arn
    tags_of = iam_actions.request_tag_context

    def extract_iam_action(service, method, path, headers, body, query_params):
        action = action_of(service, method, path, headers, body, query_params)
        return ACTIONS.get(action, action)

    def extract_resource_arn(service, method, path, headers, body, query_params, region, account_id):
        arn = named(service, path, body, query_params, region, account_id)
        return arn or resource_of(service, method, path, headers, body, query_params, region, account_id)

    def request_tag_context(service, iam_action, body, params):
        context = tags_of(service, iam_action, body, params)
        tags = next((tags for name, tags in fields_of(body).items() if name in TAG_FIELDS), None) if body else None
        if isinstance(tags, list):
            tags = {tag["Key"]: tag.get("Value", "") for tag in tags}
        if tags is None and service == "cloudfront" and body[:1] == b"<":
            text = body.decode("utf-8", "replace")
            tags = dict(re.findall(r"<Key>([^<]*)</Key>\s*<Value>([^<]*)</Value>", text))
        for name, value in (tags or {}).items():
            context[f"aws:RequestTag/{name}".lower()] = value
        if service == "iam" and first(params, "PolicyArn"):
            context["iam:PolicyARN"] = first(params, "PolicyArn")
        return context

    iam_actions.extract_iam_action = extract_iam_action
    iam_actions.extract_resource_arn = extract_resource_arn
    iam_actions.request_tag_context = request_tag_context


def patch_tags(tagging):
    """The tags of every resource whose tags can be listed, and of certificates and APIs."""

    def certificates():
        from ministack.services import acm

        for arn, certificate in acm._certificates.items():
            yield arn, tagging._normalise_list(certificate.get("Tags"))

    def apis():
        from ministack.services import apigateway

        region = apigateway.get_region()
        for identity, api in apigateway._apis.items():
            yield f"arn:aws:apigateway:{region}::/apis/{identity}", tagging._normalise_flat(api.get("tags"))

    tagging._RESOURCE_TAG_COLLECTORS.update(
        {name: collect for name, collect in tagging._COLLECTORS.items() if name in ("backup", "cloudfront", "cognito-idp")}
    )
    tagging._RESOURCE_TAG_COLLECTORS.update({"acm": certificates, "apigateway": apis})


def patch_identity_providers(iam):
    def provider(params):
        arn = iam._p(params, "OpenIDConnectProviderArn")
        missing = iam._error(404, "NoSuchEntity", f"OIDC provider {arn} not found.", ns="iam")
        found = iam._oidc_providers.get(arn)
        return found, None if found else missing

    def done(operation):
        return iam._xml(200, f"{operation}Response", "", ns="iam")

    def add_client(params):
        found, missing = provider(params)
        if missing:
            return missing
        client = iam._p(params, "ClientID")
        found["ClientIDList"] = [one for one in found["ClientIDList"] if one != client] + [client]
        return done("AddClientIDToOpenIDConnectProvider")

    def remove_client(params):
        found, missing = provider(params)
        if missing:
            return missing
        found["ClientIDList"] = [one for one in found["ClientIDList"] if one != iam._p(params, "ClientID")]
        return done("RemoveClientIDFromOpenIDConnectProvider")

    def tag(params):
        found, missing = provider(params)
        if missing:
            return missing
        new = iam._extract_tags(params)
        kept = [one for one in found.get("Tags", []) if one["Key"] not in {one["Key"] for one in new}]
        found["Tags"] = kept + new
        return done("TagOpenIDConnectProvider")

    def untag(params):
        found, missing = provider(params)
        if missing:
            return missing
        gone = {first(params, name) for name in params if name.startswith("TagKeys.member.")}
        found["Tags"] = [one for one in found.get("Tags", []) if one["Key"] not in gone]
        return done("UntagOpenIDConnectProvider")

    added = {
        "AddClientIDToOpenIDConnectProvider": add_client,
        "RemoveClientIDFromOpenIDConnectProvider": remove_client,
        "TagOpenIDConnectProvider": tag,
        "UntagOpenIDConnectProvider": untag,
    }
    table = next(value for value in vars(iam).values() if isinstance(value, dict) and "GetOpenIDConnectProvider" in value)
    table.update(added)


def patch(iam_actions):
    from ministack.services import iam, tagging

    patch_actions(iam_actions)
    patch_tags(tagging)
    patch_identity_providers(iam)
