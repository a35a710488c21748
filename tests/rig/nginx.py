"""nginx with the shipped deploy/nginx.conf; only file names, ports and the upstream are replaced."""

import datetime
import os
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path
from types import TracebackType

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.rig import programs
from tests.rig.environment import ROOT
from tests.rig.temporary import make_folder, remove_folder

HOST = "chat.example.org"
TIMEOUT_S = 20.0
# Like Debian's /etc/nginx/nginx.conf, with everything in one folder.
AROUND = """
daemon off;
worker_processes 1;
{user}
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/entre.conf;
}}
"""


def make_certificate(folder: Path) -> None:
    """A self-signed certificate for HOST."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(HOST)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "privkey.pem").write_bytes(secret)
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def shipped(folder: Path, *, plain_port: int, tls_port: int, upstream_port: int, files: Path) -> str:
    """deploy/nginx.conf with these ports and this folder. Fails if a line to replace is missing."""
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    changes = {
        "    listen 80;\n    listen [::]:80;\n": f"    listen 127.0.0.1:{plain_port};\n",
        "    listen [::]:443 ssl http2;\n": "",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{tls_port} ssl http2;",
        "/etc/letsencrypt/live/chat.example.org/": f"{folder}/",
        "/var/log/nginx/": f"{folder}/",
        "/var/lib/entre-files/": f"{files}/",
        "127.0.0.1:8000": f"127.0.0.1:{upstream_port}",
    }
    for written, here in changes.items():
        assert written in text, written
        text = text.replace(written, here)
    return text


class NginxServer:
    """Use as a context manager.

    Args:
        upstream_port: where Entre (or a stand-in) listens.
        tls_port: the public port; part of PUBLIC_URL, so it must be known in advance.
        files: ATTACHMENTS_DIR of Entre.
    """

    def __init__(
        self, *, upstream_port: int, tls_port: int, plain_port: int, files: Path = Path("/nonexistent")
    ) -> None:
        self.program = programs.nginx()
        self.folder = make_folder("nginx")
        self.tls_port, self.plain_port = tls_port, plain_port
        self.files = files
        make_certificate(self.folder)
        text = shipped(
            self.folder, plain_port=plain_port, tls_port=tls_port, upstream_port=upstream_port, files=files
        )
        (self.folder / "entre.conf").write_text(text, encoding="utf-8")
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(
            AROUND.format(folder=self.folder, user=user), encoding="utf-8"
        )
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def origin(self) -> str:
        return f"https://{HOST}:{self.tls_port}"

    def __enter__(self) -> "NginxServer":
        command = [self.program, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]
        with (self.folder / "said").open("wb") as said:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        deadline = time.monotonic() + TIMEOUT_S
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.tls_port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return self
        said_at_last = (self.folder / "said").read_text(errors="replace")
        self.__exit__(None, None, None)
        raise RuntimeError(f"nginx did not start: {said_at_last}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(TIMEOUT_S)
        remove_folder(self.folder)

    def logs(self) -> dict[str, str]:
        """All output of nginx, by file name."""
        return {
            path.name: path.read_text(errors="replace")
            for path in self.folder.iterdir()
            if path.suffix == ".log" or path.name == "said"
        }

    def status_of(self, head: str, *, tls: bool = True) -> int:
        """Send exactly this request head, and return the status of the response."""
        with socket.create_connection(
            ("127.0.0.1", self.tls_port if tls else self.plain_port), timeout=TIMEOUT_S
        ) as line:
            connection = self.context().wrap_socket(line, server_hostname=HOST) if tls else line
            connection.sendall(head.encode())
            status = int(connection.makefile("rb").readline().split()[1])
            connection.close()
        return status

    def context(self) -> ssl.SSLContext:
        """Trusts the certificate of this nginx only."""
        return ssl.create_default_context(cafile=str(self.folder / "fullchain.pem"))

    def browser(self, address: str = "127.0.0.1") -> httpx.Client:
        """A client with this source address that trusts the certificate of this nginx only."""
        return httpx.Client(
            base_url=self.origin,
            transport=ToNginx(self, address),
            headers={"Origin": self.origin},
            timeout=TIMEOUT_S,
        )


class ToNginx(httpx.HTTPTransport):
    """Resolves HOST to this machine."""

    def __init__(self, nginx: NginxServer, address: str) -> None:
        super().__init__(verify=nginx.context(), local_address=address)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        # A new request with the original Host header: the cookies of the original must not be bound to
        # 127.0.0.1.
        there = httpx.Request(
            request.method,
            request.url.copy_with(host="127.0.0.1"),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": HOST},
        )
        return super().handle_request(there)
