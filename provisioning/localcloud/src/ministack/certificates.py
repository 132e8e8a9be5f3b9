"""Certificates and domains as AWS has them, where ministack makes it too easy.

* A certificate is pending until the record that proves its domain stands in a hosted zone of this cloud; ministack
  issues it at once. Zones of this cloud count as those the registrar names.
* A request that is repeated with its token makes no second certificate, lists say what AWS's say, and a certificate
  that a distribution uses cannot be deleted.
* A distribution takes an alias only with an issued certificate of us-east-1 that covers it, and only once in the
  cloud; visitors reach it under that name.
"""

import hashlib
import time

REGION_OF_DISTRIBUTIONS = "us-east-1"
TOKEN_LIFETIME_SECONDS = 3600


def record_of(account, domain):
    """The validating record: the same for every certificate of one domain in one account."""
    base = domain.removeprefix("*.")
    digest = hashlib.sha256(f"{account}/{base}".encode()).hexdigest()
    name, value, suffix = digest[:32], digest[32:64], hashlib.sha256(base.encode()).hexdigest()[:10]
    return {"Name": f"_{name}.{base}.", "Type": "CNAME", "Value": f"_{value}.{suffix}.acm-validations.aws."}


def is_published(route53, record):
    wanted = record["Value"].rstrip(".").lower()
    for zone_id, zone in route53._zones.items():
        if zone.get("private") or not ("." + record["Name"]).endswith("." + zone["name"]):
            continue
        for found in route53._records.get(zone_id, []):
            if found["Name"] == record["Name"] and found["Type"] == record["Type"]:
                return wanted in [value.rstrip(".").lower() for value in found.get("ResourceRecords", [])]
    return False


def validate(acm, route53):
    """Issues what has been proven meanwhile."""
    for certificate in acm._certificates.values():
        if certificate["Status"] != "PENDING_VALIDATION":
            continue
        options = certificate["DomainValidationOptions"]
        for option in options:
            if is_published(route53, option["ResourceRecord"]):
                option["ValidationStatus"] = "SUCCESS"
        if all(option["ValidationStatus"] == "SUCCESS" for option in options):
            certificate.update(Status="ISSUED", IssuedAt=acm.now_iso())


def users_of(cloudfront, arn):
    return [one["ARN"] for one in cloudfront._distributions.values() if f">{arn}<" in one.get("config_xml", "")]


def patch_acm(acm, route53, cloudfront):
    request, describe, delete, shape = (
        acm._request_certificate,
        acm._describe_certificate,
        acm._delete_certificate,
        acm._cert_shape,
    )

    def request_certificate(data):
        token, now = data.get("IdempotencyToken"), time.time()
        for arn, known in acm._certificates.items():
            if token and known.get("_token") == token and now - known["_requested"] < TOKEN_LIFETIME_SECONDS:
                return acm.json_response({"CertificateArn": arn})
        before = set(acm._certificates.keys())
        answer = request(data)
        for arn in set(acm._certificates.keys()) - before:
            made = acm._certificates[arn]
            made.update(Status="PENDING_VALIDATION", IssuedAt=None, _token=token, _requested=now)
            for option in made["DomainValidationOptions"]:
                option["ValidationStatus"] = "PENDING_VALIDATION"
                option["ResourceRecord"] = record_of(acm.get_account_id(), option["DomainName"])
        return answer

    def certificate_shape(certificate):
        answer = shape(certificate)
        answer["InUseBy"] = answer["InUseBy"] + users_of(cloudfront, certificate["CertificateArn"])
        if certificate["Status"] != "ISSUED":
            for field in ("IssuedAt", "NotBefore", "NotAfter"):
                answer.pop(field)
        return answer

    def describe_certificate(data):
        validate(acm, route53)
        return describe(data)

    def list_certificates(data):
        validate(acm, route53)
        statuses, kinds = data.get("CertificateStatuses"), (data.get("Includes") or {}).get("keyTypes")
        summaries = []
        for arn, certificate in acm._certificates.items():
            full = certificate_shape(certificate)
            if statuses and full["Status"] not in statuses or kinds and full["KeyAlgorithm"] not in kinds:
                continue
            summary = {name: full[name] for name in ("CertificateArn", "DomainName", "Status", "Type", "KeyAlgorithm")}
            summary["SubjectAlternativeNameSummaries"] = full["SubjectAlternativeNames"]
            summary["HasAdditionalSubjectAlternativeNames"] = False
            summary["InUse"] = bool(full["InUseBy"])
            summary["CreatedAt"] = full["CreatedAt"]
            summaries.append(summary)
        return acm.json_response({"CertificateSummaryList": summaries})

    def delete_certificate(data):
        arn = data.get("CertificateArn", "")
        if arn in acm._certificates and users_of(cloudfront, arn):
            message = f"Certificate {arn} in account {acm.get_account_id()} is in use."
            return acm.error_response_json("ResourceInUseException", message, 400)
        return delete(data)

    acm._request_certificate = request_certificate
    acm._describe_certificate = describe_certificate
    acm._list_certificates = list_certificates
    acm._delete_certificate = delete_certificate
    acm._cert_shape = certificate_shape


def covers(name, domain):
    if name.startswith("*."):
        return domain.partition(".")[2] == name[2:]
    return name == domain


def patch_cloudfront(acm, route53, cloudfront):
    create, update = cloudfront._create_distribution, cloudfront._update_distribution

    def refusal(config, dist_id):
        aliases = cloudfront._get_distribution_aliases({"config_xml": cloudfront.tostring(config, encoding="unicode")})
        viewer = cloudfront._find(config, "ViewerCertificate")
        arn = cloudfront._text(viewer, "ACMCertificateArn") if viewer is not None else ""
        if arn:
            validate(acm, route53)
            found = None
            if f":acm:{REGION_OF_DISTRIBUTIONS}:" in arn:
                found = next((one for one in acm._certificates._data.values() if one["CertificateArn"] == arn), None)
            if found is None or found["Status"] != "ISSUED":
                message = "The specified SSL certificate doesn't exist, isn't in us-east-1 region, isn't valid, or doesn't include a valid certificate chain."
                return cloudfront._error("InvalidViewerCertificate", message, 400)
            names = found["SubjectAlternativeNames"]
            if not all(any(covers(name, alias) for name in names) for alias in aliases):
                message = "The certificate that is attached to your distribution doesn't cover the alternate domain name (CNAME) that you're trying to add."
                return cloudfront._error("InvalidViewerCertificate", message, 400)
        elif aliases:
            message = "To add an alternate domain name (CNAME) to a CloudFront distribution, you must attach a trusted certificate that validates your authorization to use the domain name."
            return cloudfront._error("InvalidViewerCertificate", message, 400)
        for alias in aliases:
            if any(owner != ("distribution", dist_id) for owner in cloudfront._domain_owners(alias)):
                message = "One or more of the CNAMEs you provided are already associated with a different resource."
                return cloudfront._error("CNAMEAlreadyExists", message, 409)
        return None

    def create_distribution(headers, body):
        config, _ = cloudfront._unwrap_distribution_create_xml(cloudfront._parse_body(body))
        reference = cloudfront._text(config, "CallerReference") if config is not None else None
        known = (one["Id"] for one in cloudfront._distributions.values() if one["CallerReference"] == reference)
        refused = refusal(config, next(known, None)) if config is not None else None
        return refused or create(headers, body)

    def update_distribution(dist_id, headers, body):
        config = cloudfront._parse_body(body)
        refused = refusal(config, dist_id) if config is not None and dist_id in cloudfront._distributions else None
        return refused or update(dist_id, headers, body)

    cloudfront._create_distribution = create_distribution
    cloudfront._update_distribution = update_distribution


def patch_visitors(app, cloudfront):
    """A distribution answers under its aliases."""
    parse = app._parse_cloudfront_dataplane_host

    def owner(host):
        name = host.split(":")[0].lower()
        # Asked for every request, so the text is looked through before it is parsed.
        named = (dist for dist in cloudfront._distributions.values() if f">{name}<" in dist.get("config_xml", ""))
        return next((dist for dist in named if name in cloudfront._get_distribution_aliases(dist)), None)

    def parse_host(host):
        label = parse(host)
        if label is None and (dist := owner(host)) is not None:
            label = dist["DomainName"].partition(".")[0]
        return label

    app._parse_cloudfront_dataplane_host = parse_host


def patch(app):
    from ministack.services import acm, cloudfront, route53

    patch_acm(acm, route53, cloudfront)
    patch_cloudfront(acm, route53, cloudfront)
    patch_visitors(app, cloudfront)
