"""CloudFront's flat-rate plans, which ministack lacks: the service `pricingplanmanager`, after its service model.

A plan takes one distribution and the web ACL before it, and refuses what AWS's own page says a plan cannot have. While
it lasts, the distribution keeps its web ACL, stays as the plan wants it, and cannot be deleted.
"""

import json
import re
import sys
import time
import uuid

SCOPE = "pricingplanmanager"
FREE_PLANS = 3
# Of the Free plan; of the others what this cloud knows is only that they cost.
BEHAVIORS = 5
RULES = 5

subscriptions = {}


def get_state():
    return {"subscriptions": subscriptions}


def load_persisted_state(data):
    subscriptions.update(data.get("subscriptions", {}))


def reset():
    subscriptions.clear()


def answer(body, status=200, **headers):
    return status, {"Content-Type": "application/json", **headers}, json.dumps(body).encode()


class Refused(Exception):
    def __init__(self, kind, status, message, **fields):
        super().__init__(message)
        self.answer = answer({"message": message, **fields}, status, **{"x-amzn-ErrorType": kind})


def invalid(message):
    return Refused("ValidationException", 400, message)


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def described(subscription):
    return {name: value for name, value in subscription.items() if name not in ("eTag", "clientToken")}


def full(subscription):
    return answer(described(subscription), ETag=subscription["eTag"])


def settle(subscription):
    """What was being set up is done by the next time somebody looks."""
    seen = dict(subscription)
    if subscription["status"] == "SYNC_IN_PROGRESS":
        subscription.update(status="ACTIVE", updatedAt=now(), eTag=str(uuid.uuid4()))
    return seen


def modules():
    from ministack.services import cloudfront, waf

    return cloudfront, waf


def elements(config, name):
    return [element for element in config.iter() if element.tag.rpartition("}")[2] == name]


def problem_of(config_xml):
    """Why a distribution of this configuration can have no Free plan; None when it can."""
    cloudfront, _ = modules()
    config = cloudfront.fromstring(config_xml)
    texts = lambda name: {element.text for element in elements(config, name) if element.text}
    if texts("PriceClass") - {"PriceClass_All"}:
        return "the price class is not PriceClass_All"
    if len(elements(config, "CacheBehavior")) + 1 > BEHAVIORS:
        return f"it has more than {BEHAVIORS} cache behaviors"
    if elements(config, "ForwardedValues"):
        return "it uses legacy cache settings"
    if elements(config, "OriginGroup"):
        return "it uses origin failover"
    custom = texts("CachePolicyId") - set(cloudfront._MANAGED_CACHE_POLICIES)
    custom |= {one for one in texts("ResponseHeadersPolicyId") if one in cloudfront._response_headers_policies}
    custom |= {one for one in texts("OriginRequestPolicyId") if one in cloudfront._origin_request_policies}
    if custom:
        return "it uses custom policies"
    if texts("IAMCertificateId"):
        return "it uses an IAM server certificate"
    return None


def check_resources(arns):
    cloudfront, waf = modules()
    kinds = {"distribution": [], "web ACL": [], "hosted zone": []}
    for arn in arns:
        if re.fullmatch(r"arn:aws:cloudfront::\d{12}:distribution/\w+", arn):
            kinds["distribution"].append(arn)
        elif re.fullmatch(r"arn:aws:wafv2:us-east-1:\d{12}:global/webacl/[\w-]+/[\w-]+", arn):
            kinds["web ACL"].append(arn)
        elif re.fullmatch(r"arn:aws:route53:::hostedzone/\w+", arn):
            kinds["hosted zone"].append(arn)
        else:
            raise invalid(f"{arn} cannot be part of a subscription")
    if len(kinds["distribution"]) != 1 or len(kinds["web ACL"]) != 1:
        raise invalid("a subscription needs exactly one distribution and one web ACL")
    arn, acl = kinds["distribution"][0], kinds["web ACL"][0]
    distribution = next((one for one in cloudfront._distributions.values() if one["ARN"] == arn), None)
    if distribution is None:
        raise Refused("ResourceNotFoundException", 404, f"{arn} does not exist", resourceId=arn)
    if any(arn in other["resourceArns"] for other in subscriptions.values()):
        raise Refused("ConflictException", 409, f"{arn} has a subscription already", resourceId=arn)
    if f">{acl}<" not in distribution["config_xml"]:
        raise invalid("the web ACL is not that of the distribution")
    if problem := problem_of(distribution["config_xml"]):
        raise invalid(f"the resources are not eligible for this subscription tier: {problem}")
    rules = next((one.get("Rules", []) for one in waf._web_acls.values() if one.get("ARN") == acl), [])
    if len(rules) > RULES:
        raise invalid(f"the resources are not eligible for this subscription tier: more than {RULES} rules")


def create(data, headers):
    token = data.get("clientToken")
    for known in subscriptions.values():
        if token and known["clientToken"] == token:
            return full(known)
    if data.get("planFamily") != "CloudFront":
        raise invalid("planFamily must be CloudFront")
    if data.get("planTier") != "FREE":
        raise Refused("AccessDeniedException", 403, "plans that cost are not sold here")
    if data.get("approvalMode") not in (None, "IMMEDIATE"):
        raise invalid("the Free plan needs no approval")
    arns = data.get("resourceArns") or []
    if not 1 <= len(arns) <= 10:
        raise invalid("resourceArns must have 1 to 10 members")
    check_resources(arns)
    if len(subscriptions) >= FREE_PLANS:
        raise Refused("ServiceQuotaExceededException", 402, f"an account has at most {FREE_PLANS} Free plans")
    account = arns[0].split(":")[4]
    arn = f"arn:aws:pricingplanmanager::{account}:subscription/{uuid.uuid4()}"
    subscriptions[arn] = {
        "arn": arn,
        "planFamily": "CloudFront",
        "planTier": "FREE",
        "usageLevel": "DEFAULT",
        "status": "SYNC_IN_PROGRESS",
        "resourceArns": arns,
        "createdAt": now(),
        "updatedAt": now(),
        "eTag": str(uuid.uuid4()),
        "clientToken": token,
    }
    return full(subscriptions[arn])


def existing(data):
    arn = data.get("arn", "")
    if arn not in subscriptions:
        raise Refused("ResourceNotFoundException", 404, f"{arn} does not exist", resourceId=arn)
    return subscriptions[arn]


def get(data, headers):
    return full(settle(existing(data)))


def list_all(data, headers):
    summaries = [settle(one) for one in subscriptions.values()]
    return answer({"subscriptionSummaries": [{**described(one), "eTag": one["eTag"]} for one in summaries]})


def cancel(data, headers):
    subscription = existing(data)
    if headers.get("if-match") != subscription["eTag"]:
        raise Refused("ConflictException", 409, "somebody changed it meanwhile", resourceId=subscription["arn"])
    if subscription["status"] == "SYNC_IN_PROGRESS":
        raise Refused("ConflictException", 409, "it is being set up", resourceId=subscription["arn"])
    # The Free plan ends at once.
    return full(subscriptions.pop(subscription["arn"]))


OPERATIONS = {
    "/v1/CreateSubscription": create,
    "/v1/GetSubscription": get,
    "/v1/ListSubscriptions": list_all,
    "/v1/CancelSubscription": cancel,
}


async def handle_request(method, path, headers, body, query_params):
    operation = OPERATIONS.get(path)
    if method != "POST" or operation is None:
        return answer({"message": f"{method} {path} is not known here"}, 501)
    try:
        return operation(json.loads(body or b"{}"), headers)
    except Refused as refused:
        return refused.answer


def subscribed(cloudfront, dist_id):
    arn = cloudfront._distributions.get(dist_id, {}).get("ARN")
    return any(arn in one["resourceArns"] for one in subscriptions.values())


def patch_cloudfront(cloudfront):
    update, delete = cloudfront._update_distribution, cloudfront._delete_distribution

    def update_distribution(dist_id, headers, body):
        if subscribed(cloudfront, dist_id) and (config := cloudfront._parse_body(body)) is not None:
            problem = problem_of(cloudfront.tostring(config, encoding="unicode"))
            if not cloudfront._text(config, "WebACLId"):
                problem = "a web ACL must stay attached"
            if problem:
                return cloudfront._error("InvalidArgument", f"The pricing plan does not allow this: {problem}.", 400)
        return update(dist_id, headers, body)

    def delete_distribution(dist_id, headers):
        if subscribed(cloudfront, dist_id):
            message = "Cancel the pricing plan of the distribution before you delete it."
            return cloudfront._error("ResourceInUse", message, 409)
        return delete(dist_id, headers)

    cloudfront._update_distribution = update_distribution
    cloudfront._delete_distribution = delete_distribution


def patch(app):
    from ministack.core import router
    from ministack.services import cloudfront

    patch_cloudfront(cloudfront)
    sys.modules["ministack.services.pricing_plans"] = sys.modules[__name__]
    router.SERVICE_PATTERNS[SCOPE] = {}
    app.SERVICE_HANDLERS[SCOPE] = app._lazy_handler("pricing_plans")
    app._state_map["pricing_plans"] = "pricing_plans"
