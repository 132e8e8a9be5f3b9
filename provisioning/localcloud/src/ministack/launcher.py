"""Runs ministack as one part of a cloud that may be killed at any moment.

What is added to it, and why:
* State is saved before a request that may have changed something is answered, so that what was acknowledged is
  never lost; ministack by itself saves only at a graceful stop. That is the state of the services the request went
  to; what changed elsewhere because of it follows a moment later.
* The process ends when its parent does (standard input is a pipe that the parent holds open).
* Names under `.localhost` resolve to 127.0.0.1 everywhere, so that a CloudFront origin can be an API of this cloud.
* Policies may name the condition keys `s3:if-none-match` and `cloudwatch:namespace`, which ministack does not know.
* Cognito changes groups, and keeps which issuer a user pool was given.
* Lightsail, which is not here, may ask what a key's policies allow.
* Names in hosted zones resolve, and load balancers' certificates are trusted (`names.py`).
* Certificates and domains are as strict as AWS's (`certificates.py`).
* CloudFront's flat-rate plans are there, with what they refuse (`pricing_plans.py`).
* Permissions are asked for as AWS documents them (`permissions.py`).
* An HTTP integration of API Gateway answers with all headers of its backend, as AWS's does.
"""

import asyncio
import contextvars
import http.client
import json
import os
import socket
import sys
import threading
import time
import urllib.parse

READ_ONLY_METHODS = {"GET", "HEAD", "OPTIONS"}
READ_ONLY_OPERATIONS = ("Get", "List", "Describe", "Head", "BatchGet")
LAZY_SECONDS = 0.5
# A state that other threads keep changing is tried again for so long before its request is answered all the same.
PATIENCE_SECONDS = 5
HOP_BY_HOP = {
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
# An HTTP API waits this long for its integration: its quota, which cannot be raised.
INTEGRATION_TIMEOUT_SECONDS = 30


def resolve_localhost_names():
    system = socket.getaddrinfo

    def getaddrinfo(host, *args, **kwargs):
        name = host.decode() if isinstance(host, bytes) else host
        if isinstance(name, str) and name.lower().rstrip(".").endswith(".localhost"):
            host = "127.0.0.1"
        return system(host, *args, **kwargs)

    socket.getaddrinfo = getaddrinfo


class Saver:
    """Writes the state of each service that changed, atomically. Requests that end together share one save."""

    def __init__(self, app, persistence):
        self.app = app
        self.persistence = persistence
        self.written = {}
        self.waiting = []
        self.task = None
        self.lazy = None
        # The modules that the request at hand was given to.
        self.visited = contextvars.ContextVar("visited", default=None)
        get_module = app._get_module

        def noting(name):
            visited = self.visited.get()
            if visited is not None:
                visited.add(name)
            return get_module(name)

        app._get_module = noting

    def note(self):
        """An empty set that fills with the modules that this request is given to from here on."""
        visited = set()
        self.visited.set(visited)
        return visited

    async def saved(self, modules):
        """Returns when everything of these modules that has changed by now is on disk."""
        done = asyncio.get_running_loop().create_future()
        self.waiting.append((done, modules))
        if self.task is None or self.task.done():
            self.task = asyncio.get_running_loop().create_task(self.save_for_those_waiting())
        await done

    async def save_for_those_waiting(self):
        while self.waiting:
            waiting, self.waiting = self.waiting, []
            deadline = time.monotonic() + PATIENCE_SECONDS
            modules = set().union(*(modules for _, modules in waiting))
            while not self.save(modules) and time.monotonic() < deadline:
                await asyncio.sleep(0.01)
            for done, _ in waiting:
                if not done.done():
                    done.set_result(None)
            # Requests that are on their way get their turn before the next save.
            await asyncio.sleep(0)
        if self.lazy is None or self.lazy.done():
            self.lazy = asyncio.get_running_loop().create_task(self.save_lazily())

    async def save_lazily(self):
        await asyncio.sleep(LAZY_SECONDS)
        self.save()

    def save(self, modules=None):
        """Saves the state of these modules, or of all; whether all of it could be."""
        complete = True
        for name, get_state in self.app._build_persistence_save_dict().items():
            if modules is not None and self.app._state_map[name] not in modules:
                continue
            try:
                state = get_state()
                if state is None:
                    continue
                version = self.persistence._state_format_version(name)
                text = json.dumps(
                    {"__ministack_format__": version, "payload": state},
                    default=self.persistence._json_default,
                )
                if self.written.get(name) != hash(text):
                    self.write(name, text)
                    self.written[name] = hash(text)
            except Exception as error:  # a handler on another thread changed it under us: try again
                print(f"state of {name} not saved yet: {error!r}", file=sys.stderr, flush=True)
                complete = False
        return complete

    @staticmethod
    def write(name, text):
        directory = os.environ["STATE_DIR"]
        path = os.path.join(directory, f"{name}.json")
        with open(path + ".new", "w", opener=lambda p, flags: os.open(p, flags, 0o600)) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(path + ".new", path)


def saving(application, saver):
    def may_change(scope):
        if scope["type"] != "http" or scope["method"] in READ_ONLY_METHODS:
            return False
        headers = dict(scope["headers"])
        host = headers.get(b"host", b"")
        if b".cloudfront." in host or b".execute-api." in host:
            # Traffic of the shop's visitors: it ends at an instance or a bucket and changes nothing here.
            return False
        operation = headers.get(b"x-amz-target", b"").decode("latin-1").rpartition(".")[2]
        return not operation.startswith(READ_ONLY_OPERATIONS)

    async def wrapped(scope, receive, send):
        if not may_change(scope):
            return await application(scope, receive, send)
        answer = []

        async def hold(message):
            answer.append(message)

        visited = saver.note()
        await application(scope, receive, hold)
        await saver.saved(visited)
        for message in answer:
            await send(message)

    return wrapped


def proxy_with_all_headers(apigateway, trusting):
    def call(url, method, headers, body):
        target = urllib.parse.urlsplit(url)
        where = {"host": target.hostname, "port": target.port, "timeout": INTEGRATION_TIMEOUT_SECONDS}
        if target.scheme == "https":
            connection = http.client.HTTPSConnection(**where, context=trusting())
        else:
            connection = http.client.HTTPConnection(**where)
        try:
            path = (target.path or "/") + (f"?{target.query}" if target.query else "")
            connection.request(method, path, body=body or None, headers=headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()
        finally:
            connection.close()

    async def invoke(integration, path, method, headers, body, query_params):
        url = (integration.get("integrationUri") or "").rstrip("/") + path
        query = urllib.parse.urlencode(query_params or {}, doseq=True)
        if query:
            url = f"{url}?{query}"
        dropped = HOP_BY_HOP | {"host", "content-length"}
        sent = {}
        for name, value in headers.items():
            if name.lower() not in dropped:
                sent[name] = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        try:
            status, pairs, data = await asyncio.to_thread(call, url, method, sent, body)
        except TimeoutError:
            return 504, {"Content-Type": "application/json"}, b'{"message":"Endpoint request timed out"}'
        except Exception as error:
            print(f"integration {method} {url}: {error!r}", file=sys.stderr, flush=True)
            return 503, {"Content-Type": "application/json"}, b'{"message":"Service Unavailable"}'
        received = {}
        for name, value in pairs:
            if name.lower() in HOP_BY_HOP or name.lower() == "content-length":
                continue
            key = name.title()
            if key in received:
                earlier = received[key]
                received[key] = (earlier if isinstance(earlier, list) else [earlier]) + [value]
            else:
                received[key] = value
        return status, received, data

    apigateway._invoke_http_proxy = invoke


def know_more_condition_keys(iam_actions):
    of_s3 = iam_actions.s3_service_context
    of_tags = iam_actions.request_tag_context

    def s3_service_context(iam_action, query_params, path="", headers=None):
        context = of_s3(iam_action, query_params, path, headers)
        if iam_action == "s3:PutObject" and (headers or {}).get("if-none-match"):
            context["s3:if-none-match"] = headers["if-none-match"]
        return context

    def request_tag_context(service, iam_action, body, params):
        context = of_tags(service, iam_action, body, params)
        if iam_action == "cloudwatch:PutMetricData":
            namespace = metric_namespace(body, params)
            if namespace:
                context["cloudwatch:namespace"] = namespace
        return context

    iam_actions.s3_service_context = s3_service_context
    iam_actions.request_tag_context = request_tag_context


def metric_namespace(body, params):
    """The namespace of a PutMetricData in any of CloudWatch's three protocols."""
    if params.get("Namespace"):
        value = params["Namespace"]
        return value[0] if isinstance(value, list) else value
    try:
        if body[:1] == b"{":
            return json.loads(body).get("Namespace")
        import cbor2

        return cbor2.loads(body).get("Namespace")
    except Exception:  # not a document: nobody's namespace, so nobody's condition is met
        return None


def complete_cognito(cognito):
    dispatch, create, update = cognito._dispatch_idp, cognito._create_user_pool, cognito._update_user_pool

    def update_group(data):
        pool, error = cognito._resolve_pool(data.get("UserPoolId"))
        if error:
            return error
        group = pool["_groups"].get(data.get("GroupName"))
        if not group:
            return cognito.error_response_json("ResourceNotFoundException", "Group not found.", 400)
        group.update({key: data[key] for key in ("Description", "RoleArn", "Precedence") if key in data})
        group["LastModifiedDate"] = cognito._now_epoch()
        return cognito.json_response({"Group": cognito._group_out(group)})

    async def dispatch_idp(action, data):
        return update_group(data) if action == "UpdateGroup" else await dispatch(action, data)

    def keep_issuer(identity, data):
        pool, error = cognito._resolve_pool(identity)
        if not error:
            # What is not said goes back to the default, as with everything in UpdateUserPool.
            pool["IssuerConfiguration"] = data.get("IssuerConfiguration") or {"Type": "ORIGINAL"}

    def create_user_pool(data):
        answer = create(data)
        if answer[0] == 200:
            keep_issuer(json.loads(answer[2])["UserPool"]["Id"], data)
        return answer

    def update_user_pool(data):
        answer = update(data)
        if answer[0] == 200:
            keep_issuer(data["UserPoolId"], data)
        return answer

    cognito._dispatch_idp = dispatch_idp
    cognito._create_user_pool = create_user_pool
    cognito._update_user_pool = update_user_pool


def authorizing(application, iam, responses):
    """Answers `/_jewel/authorize`: whether a key may do something in a service that ministack does not have."""

    def denial(question):
        account = os.environ["MINISTACK_ACCOUNT_ID"]
        responses.set_request_account_id(account)
        key = question["access_key_id"]
        credential = iam.resolve_credential(key, account, question.get("session_token"))
        if isinstance(credential, iam.CredentialResolutionError):
            return credential.code, credential.message
        principal = iam.resolve_principal(key, account, credential)
        if isinstance(principal, iam.AuthError):
            return principal.code, principal.message
        if principal.policies is None:
            return None
        context = {f"aws:resourcetag/{name}".lower(): value for name, value in question["resource_tags"].items()}
        context |= {f"aws:requesttag/{name}".lower(): value for name, value in question["request_tags"].items()}
        action = question["action"]
        asked = iam.EvalContext(
            principal_arn=principal.arn,
            principal_type=principal.type,
            principal_account=principal.account,
            action=action,
            resource_arn="*",
            region=os.environ["MINISTACK_REGION"],
            service_context=context,
            principal_keys=principal.keys,
        )
        if iam.evaluate(asked, principal.policies, *principal.limits).decision == "Allow":
            return None
        why = f"no identity-based policy allows the {action} action"
        return "AccessDeniedException", f"User: {principal.arn} is not authorized to perform: {action} because {why}"

    async def wrapped(scope, receive, send):
        if scope["type"] != "http" or scope["path"] != "/_jewel/authorize":
            return await application(scope, receive, send)
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        refused = denial(json.loads(body))
        answer = json.dumps({"code": refused[0], "message": refused[1]} if refused else {}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": 403 if refused else 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    return wrapped


def stop_with_parent(stop, loop):
    def watch():
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, daemon=True, name="parent").start()


async def serve():
    import signal

    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config
    from ministack import app
    from ministack.core import iam_actions, iam_evaluator, persistence, responses
    from ministack.services import apigateway, cognito, route53

    # Python is told to look nowhere by itself; what is beside this file is ours.
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    import certificates
    import names
    import permissions
    import pricing_plans

    certificates.patch(app)
    pricing_plans.patch(app)
    names.resolve_zones(route53)
    proxy_with_all_headers(apigateway, names.trusting)
    know_more_condition_keys(iam_actions)
    permissions.patch(iam_actions)
    complete_cognito(cognito)
    saver = Saver(app, persistence)

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    stop_with_parent(stop, loop)

    config = Config()
    config.bind = [f"{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 2
    config.loglevel = "WARNING"
    served = authorizing(saving(app.app, saver), iam_evaluator, responses)
    await hypercorn_serve(served, config, shutdown_trigger=stop.wait)
    saver.save()


if __name__ == "__main__":
    resolve_localhost_names()
    asyncio.run(serve())
    # Worker threads of ministack's services must not keep a stopped server alive.
    sys.stdout.flush()
    os._exit(0)
