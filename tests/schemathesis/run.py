#!/usr/bin/env python3
"""The whole OpenAPI document put to the test by schemathesis: `python3 tests/schemathesis/run.py`.

It makes thousands of requests of the document, good and bad ones, as an administrator and as nobody, and looks for
answers of 500, answers that the document does not know, and bodies that are not what it says. Needs mariadb-server;
JEWEL_API_BINARY names a jewel-api that is built already. What follows `--` goes to schemathesis.
"""

import contextlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

PACKAGES = ["schemathesis==4.32.5", "pyjwt==2.15.1", "cryptography==50.0.2"]
CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"]
TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "bench/api"))


def environment():
    """The folder of a virtual environment with the packages, made whole or not at all."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))
    folder = cache / "jewelctl/tests" / "-".join(PACKAGES).replace("==", "-")
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([folder / "bin/pip", "install", "--quiet", *PACKAGES], check=True)
        (folder / "complete").touch()
    return folder


@contextlib.contextmanager
def serving(handler):
    """The address of an HTTP server that answers so."""
    handler.log_message = lambda *_: None
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


class Bucket(http.server.BaseHTTPRequestHandler):
    """An S3 that takes everything and has nothing."""

    protocol_version = "HTTP/1.1"

    def answer(self, status):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def do_PUT(self):
        self.answer(200)

    def do_GET(self):
        self.answer(404)

    do_HEAD = do_DELETE = do_GET


@contextlib.contextmanager
def issuer():
    """Somebody whose tokens the API accepts: its address, and an administrator's token."""
    import jwt
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    keys = json.dumps({"keys": [{**public, "kid": "one", "alg": "RS256", "use": "sig"}]}).encode()

    class Keys(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.end_headers()
            self.wfile.write(keys)

    with serving(Keys) as address:
        yield f"{address}/pool", token(key, f"{address}/pool")


def token(key, address):
    import jwt

    claims = {
        "sub": "7d3c1f0e-0000-4000-8000-000000000001", "iss": address, "client_id": "bench", "token_use": "access",
        "cognito:groups": ["admins"], "iat": int(time.time()), "exp": int(time.time()) + 6 * 3600,
    }
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": "one"})


def main():
    folder = environment()
    if not folder.samefile(sys.prefix):
        os.execv(folder / "bin/python3", [folder / "bin/python3", __file__, *sys.argv[1:]])
    import speed

    own = sys.argv[1:]
    binary = os.environ.get("JEWEL_API_BINARY") or speed.build()
    with issuer() as (address, token), serving(Bucket) as s3, speed.shop(50) as (database, place):
        more = {
            "JEWEL_TOKEN_ISSUER": address, "JEWEL_JOURNAL": "s3://backups/journal", "JEWEL_MEDIA_BUCKET": "media",
            "JEWEL_PAYMENT_METHODS": "bank_transfer,cash_on_delivery", "JEWEL_BANK_DETAILS": "DBS 001-23456-7",
            "AWS_ENDPOINT_URL": s3, "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "a-key",
            "AWS_SECRET_ACCESS_KEY": "a-secret",
        }
        with speed.jewel_api(binary, database, place, more) as (port, _), tempfile.TemporaryDirectory() as work:
            ends = 0
            for who in ([f"Authorization: Bearer {token}"], []):
                headers = [f"x-origin-verify: {speed.ORIGIN}", *who]
                command = [
                    folder / "bin/schemathesis", "run", f"http://127.0.0.1:{port}/api/openapi.json",
                    # The schema here was not put there by the migrator, and that says so.
                    "--exclude-path", "/readyz",
                    "--checks", ",".join(CHECKS), "--seed", "1", "--max-examples", "40", "--suppress-health-check", "all",
                    *(part for header in headers for part in ("--header", header)), *own,
                ]
                ends |= subprocess.run(list(map(str, command)), cwd=work).returncode
    return ends


if __name__ == "__main__":
    sys.exit(main())
