"""The processes that are measured: a database of our own, jewel-api, its peer. All end with the run."""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
PEER = HERE.parent / "peer"
NAME, USER, PASSWORD, ORIGIN = "shop", "bench", "a-password-for-benchmarks", "an-origin-secret-for-benchmarks"
START_DEADLINE = 90
NOBODY = 65534


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_until(ready, process, log):
    deadline = time.monotonic() + START_DEADLINE
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"{process.args[-1]} did not start:\n{log.read_text()}")
        time.sleep(0.05)


@contextlib.contextmanager
def running(command, environment, log, ready):
    # A benchmark that is killed takes its servers with it.
    command = ["setpriv", "--pdeathsig", "KILL", "--", *map(str, command)]
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        wait_until(ready, process, log)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


class Database:
    """A server on a new data directory with the shop's schema."""

    def __init__(self, folder):
        self.folder, self.port = folder, free_port()
        self.client = ["mariadb", "--no-defaults", f"--socket={folder}/socket", "--user=root"]

    @contextlib.contextmanager
    def serve(self):
        mysqld = os.environ.get("JEWEL_MYSQLD")
        program = mysqld or shutil.which("mariadbd", path=os.environ["PATH"] + ":/usr/sbin")
        if program is None:
            sys.exit("mariadbd is missing: apt-get install mariadb-server")
        environment = {**os.environ, "TMPDIR": str(self.folder)}
        as_nobody = []
        if os.geteuid() == 0:
            os.chown(self.folder, NOBODY, NOBODY)
            as_nobody = ["--user=nobody"]
        data = f"--datadir={self.folder}/data"
        make = [program, "--no-defaults", "--initialize-insecure", data] if mysqld else [
            "mariadb-install-db", "--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db",
            "--force", data,
        ]
        subprocess.run([*make, *as_nobody], check=True, env=environment, capture_output=True)
        command = [
            program, "--no-defaults", *as_nobody, data, f"--socket={self.folder}/socket",
            f"--pid-file={self.folder}/pid", f"--port={self.port}", "--bind-address=127.0.0.1",
            # Half of the memory of the smallest database of Lightsail. All of the catalogue fits.
            "--innodb-buffer-pool-size=512M", "--skip-log-bin",
        ]
        command += ["--mysqlx=OFF", "--secure-file-priv=NULL"] if mysqld else []
        with running(command, environment, self.folder / "log", lambda: self.answers()):
            self.run(f"CREATE DATABASE {NAME}; CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';"
                     f"GRANT ALL ON *.* TO '{USER}'@'%';")
            # MySQL lets the first login of a user in by TLS alone, and from then on any; both sides are measured without.
            login = ["mariadb", "--no-defaults", "--protocol=tcp", "--host=127.0.0.1", f"--port={self.port}", f"--user={USER}",
                     "--ssl", "--skip-ssl-verify-server-cert", "--execute=SELECT 1"]
            subprocess.run(login if mysqld else ["true"], check=True, capture_output=True,
                           env={**os.environ, "MYSQL_PWD": PASSWORD})
            yield self

    def answers(self):
        return subprocess.run([*self.client, "-e", "SELECT 1"], capture_output=True).returncode == 0

    def run(self, text, schema=()):
        done = subprocess.run([*self.client, "-N", *schema], input=text, text=True, capture_output=True)
        if done.returncode != 0:
            sys.exit(f"the database refuses: {done.stderr}")
        return done.stdout

    def migrate(self):
        for file in sorted((ROOT / "migrations/sql").glob("*.sql")):
            self.run(file.read_text(), [NAME])

    def load(self, statements):
        """As a restore would, checks off: the rows are good."""
        loading = subprocess.Popen([*self.client, NAME], stdin=subprocess.PIPE, text=True)
        loading.stdin.write("SET foreign_key_checks = 0, unique_checks = 0, autocommit = 0;\n")
        for statement in statements:
            loading.stdin.write(statement)
        loading.stdin.write("COMMIT;\n")
        loading.stdin.close()
        if loading.wait() != 0:
            sys.exit("the database refuses the catalogue")
        # The peer reads what lists show of a product from one row too, which is better than most would do.
        self.run((HERE / "cards.sql").read_text(), [NAME])
        # What the API would have written with each product, it makes by itself.
        self.run("INSERT" + (ROOT / "migrations/sql/0007_showcase.sql").read_text().partition("\nINSERT")[2], [NAME])
        self.run("ANALYZE TABLE categories, products, variants, inventory, images, cards, showcase;", [NAME])

    def shown(self):
        return self.run("SELECT COUNT(*) FROM showcase WHERE format = 0;", [NAME]).strip() == "0"


def answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/livez", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


@contextlib.contextmanager
def jewel_api(binary, database, folder, more=None):
    port = free_port()
    environment = {
        "JEWEL_LISTEN": f"127.0.0.1:{port}",
        "JEWEL_DATABASE_HOST": "127.0.0.1",
        "JEWEL_DATABASE_PORT": str(database.port),
        "JEWEL_DATABASE_NAME": NAME,
        "JEWEL_DATABASE_USER": USER,
        "JEWEL_DATABASE_PASSWORD": PASSWORD,
        "JEWEL_DATABASE_TLS": "disabled",
        "JEWEL_ORIGIN_SECRETS": ORIGIN,
        # Only reads are measured here, all of them one client's.
        "JEWEL_JOURNAL": "off",
        "JEWEL_RATE_LIMIT": "off",
        # Nobody signs in.
        "JEWEL_TOKEN_ISSUER": "http://127.0.0.1:1/pool",
        "JEWEL_TOKEN_CLIENT_ID": "bench",
        **(more or {}),
    }
    with running([binary], environment, folder / "api.log", lambda: answers(port) and database.shown()) as process:
        yield port, process


@contextlib.contextmanager
def peer(database, folder):
    if not (PEER / "node_modules/.complete").exists():
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=PEER, check=True)
        (PEER / "node_modules/.complete").touch()
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "NODE_ENV": "production",
        "PEER_PORT": str(port),
        "PEER_DATABASE_PORT": str(database.port),
        "PEER_DATABASE_NAME": NAME,
        "PEER_DATABASE_USER": USER,
        "PEER_DATABASE_PASSWORD": PASSWORD,
    }
    with running(["node", PEER / "server.js"], environment, folder / "peer.log", lambda: answers(port)) as process:
        yield port, process


def memory_mb(process):
    """The most that a process held at once."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kilobytes) / 1024
