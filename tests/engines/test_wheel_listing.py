"""The list of a wheel's modules, from a server that gives parts of files and from those that do worse."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

from sessionpkgs import process
from sessionpkgs.engines import wheel_listing
from sessionpkgs.errors import DeadlineError, EngineMissing, IndexUnavailable, IntegrityError
from tests.wheelhouse import Index, Wheelhouse, closed_port

Handler = BaseHTTPRequestHandler
MANY = {f"many/{'x' * 180}{number}.py": "" for number in range(2_000)}
TOO_MANY = {f"many/{'x' * 180}{number}.py": "" for number in range(20_000)}


TRUTH = "{first}-{last}/{size}"


def serve(index: Index, *, lie: str = TRUTH, after: int = 0, cut: int = 0, status: int = 206) -> list[int]:
    """Make *index* give parts of files; gives the lengths that it sent.

    Parts are told as *lie* once *after* of them were sent, short of *cut* bytes, with the *status*.
    """
    sent: list[int] = []

    def answer(handler: Handler) -> bool:
        found, body = index.page(handler.path)
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", handler.headers.get("Range", ""))
        if found != 200 or wanted is None or handler.command == "HEAD":
            return False
        size = len(body)
        first = int(wanted[1]) if wanted[1] else max(0, size - int(wanted[2]))
        last = min(size - 1, int(wanted[2])) if wanted[1] and wanted[2] else size - 1
        part = body[first : last + 1]
        told = lie if len(sent) >= after else TRUTH
        sent.append(len(part))
        handler.send_response(status)
        handler.send_header("Content-Range", "bytes " + told.format(first=first, last=last, size=size))
        handler.send_header("Content-Length", str(len(part)))
        handler.end_headers()
        handler.wfile.write(part[: len(part) - cut])
        return True

    index.faults["/files/"] = answer
    return sent


@pytest.fixture
def index(wheelhouse: Wheelhouse) -> Iterator[Index]:
    with wheelhouse.index() as running:
        yield running


def ask(url: str, *, deadline: float = 20.0, certificate: str = "", **env: str) -> frozenset[str]:
    return wheel_listing.modules(url, deadline=deadline, env=env, certificate=certificate)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a/__init__.py", {"a"}),
        ("a.py", {"a"}),
        (f"a{EXTENSION_SUFFIXES[0]}", {"a"}),
        ("a.cpython-27-other.so", set()),
        ("a/b/c.py", {"a.b", "a.b.c"}),
        ("a/data.txt", set()),
        ("a-1.dist-info/b.py", set()),
        ("a-1.data/purelib/b.py", {"b"}),
        ("a-1.data/platlib/b/__init__.py", {"b"}),
        ("a-1.data/scripts/b.py", set()),
        ("a/__pycache__/b.cpython-311.pyc", set()),
    ],
)
def test_a_path_gives_the_modules_that_python_finds_there(path: str, found: set[str]) -> None:
    assert wheel_listing.module_names([path]) == found


def test_only_the_end_of_a_wheel_is_read(index: Index, wheelhouse: Wheelhouse) -> None:
    wheel = wheelhouse.wheel("demo", files={"blob.bin": os.urandom(3 << 20), "demo/__init__.py": ""})
    sent = serve(index)
    assert ask(index.url_of(wheel)) == {"demo"}
    assert sent == [wheel_listing.FIRST]


def test_a_list_longer_than_the_first_part_is_read_whole(index: Index, wheelhouse: Wheelhouse) -> None:
    wheel = wheelhouse.wheel("demo", files={"blob.bin": os.urandom(1 << 20), "demo.py": "", **MANY})
    sent = serve(index)
    assert len(ask(index.url_of(wheel))) == len(MANY) + 2
    assert len(sent) == 2
    assert sum(sent) < wheel_listing.MOST_BYTES


def test_a_list_beyond_the_cap_is_given_up(index: Index, wheelhouse: Wheelhouse) -> None:
    wheel = wheelhouse.wheel("demo", files=TOO_MANY)
    sent = serve(index)
    with pytest.raises(IndexUnavailable, match="more requests or bytes"):
        ask(index.url_of(wheel))
    assert len(sent) == 2  # the second answer is refused by what it promises; its bytes are not read


def test_a_wheel_on_this_machine_is_opened(wheelhouse: Wheelhouse) -> None:
    assert ask(wheelhouse.wheel("demo").as_uri()) == {"demo"}


def test_a_file_that_is_not_there_is_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(IndexUnavailable, match="cannot be read"):
        ask((tmp_path / "none.whl").as_uri())


def test_a_server_without_ranges_is_given_up_after_one_request(index: Index, wheelhouse: Wheelhouse) -> None:
    with pytest.raises(IndexUnavailable, match="does not give parts"):
        ask(index.url_of(wheelhouse.wheel("demo")))
    assert len(index.requests) == 1


@pytest.mark.parametrize("lie", ["0-{last}/{size}", "{first}-{last}/9{size}", "{first}-{last}/*", "x"])
def test_another_part_than_was_asked_for_is_refused(lie: str, index: Index, wheelhouse: Wheelhouse) -> None:
    wheel = wheelhouse.wheel("demo", files={"blob.bin": os.urandom(1 << 20)})
    serve(index, lie=lie)
    with pytest.raises(IndexUnavailable, match="parts of files"):
        ask(index.url_of(wheel))


@pytest.mark.parametrize("lie", ["0-{last}/{size}", "{first}-{last}/9{size}"])
def test_the_second_part_is_judged_as_the_first(lie: str, index: Index, wheelhouse: Wheelhouse) -> None:
    wheel = wheelhouse.wheel("demo", files={"blob.bin": os.urandom(1 << 20), **MANY})
    sent = serve(index, lie=lie, after=1)
    with pytest.raises(IndexUnavailable, match="other parts of files"):
        ask(index.url_of(wheel))
    assert len(sent) == 2


def test_an_answer_that_calls_itself_whole_is_no_part(index: Index, wheelhouse: Wheelhouse) -> None:
    wheel = wheelhouse.wheel("demo")
    serve(index, status=200)
    with pytest.raises(IndexUnavailable, match="does not give parts"):
        ask(index.url_of(wheel))


def test_an_answer_that_ends_early_is_refused(index: Index, wheelhouse: Wheelhouse) -> None:
    wheel = wheelhouse.wheel("demo")
    serve(index, cut=5)
    with pytest.raises(IndexUnavailable):
        ask(index.url_of(wheel))


@pytest.mark.parametrize("remote", [True, False])
def test_what_is_not_a_zip_file_is_refused(remote: bool, index: Index, wheelhouse: Wheelhouse) -> None:
    broken = wheelhouse.folder / "demo-1.0-py3-none-any.whl"
    broken.write_bytes(b"not a zip file")
    serve(index)
    with pytest.raises(IntegrityError, match="is not a wheel"):
        ask(index.url_of(broken) if remote else broken.as_uri())


def redirect(to: str) -> Callable[[Handler], bool]:
    def answer(handler: Handler) -> bool:
        handler.send_response(302)
        handler.send_header("Location", to)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return True

    return answer


def test_a_redirect_is_followed(index: Index, wheelhouse: Wheelhouse) -> None:
    wheel = wheelhouse.wheel("demo")
    serve(index)
    index.faults["/moved"] = redirect(f"/files/{wheel.name}")
    assert ask(f"http://{index.host}/moved") == {"demo"}


@pytest.mark.parametrize(
    "to", ["https://a.example/w", "ftp://a.example/w", "file:///etc/passwd", "http://u:s3cret@a.example/w"]
)
def test_a_redirect_to_another_scheme_or_with_a_login_is_not(to: str, index: Index) -> None:
    index.faults["/files/"] = redirect(to)
    with pytest.raises(IndexUnavailable, match=r"is not http|has a login") as refused:
        ask(f"http://{index.host}/files/w")
    assert len(index.requests) == 1
    assert "s3cret" not in repr(refused.value.to_dict())


def test_redirects_in_a_circle_end_at_the_cap(index: Index) -> None:
    index.faults["/files/"] = redirect("/files/w")
    with pytest.raises(IndexUnavailable, match="more requests"):
        ask(f"http://{index.host}/files/w")
    assert len(index.requests) == wheel_listing.MOST_REQUESTS


@pytest.mark.parametrize("url", ["ftp://a.example/w", "data:,w", "http://[bad/w"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(IndexUnavailable):
        ask(url)


def test_a_login_is_neither_sent_nor_shown(index: Index) -> None:
    with pytest.raises(IndexUnavailable, match="has a login") as refused:
        ask(f"http://me:s3cret@{index.host}/files/w")
    assert index.requests == []
    assert "s3cret" not in repr(refused.value.to_dict())


def test_a_signed_address_is_not_shown(index: Index) -> None:
    with pytest.raises(IndexUnavailable) as refused:
        ask(f"http://{index.host}/files/w?signature=s3cret")
    assert "s3cret" not in repr(refused.value.to_dict())


def test_a_server_that_does_not_answer_ends_at_the_deadline(index: Index) -> None:
    index.faults["/files/"] = index.hang
    with pytest.raises(DeadlineError, match="did not answer"):
        ask(f"http://{index.host}/files/w", deadline=0.3)
    assert index.requests
    for asking in [one for one in threading.enumerate() if one.name == wheel_listing.THREAD]:
        asking.join(5)
        assert not asking.is_alive()


def test_an_answer_that_comes_in_drops_ends_at_the_deadline(index: Index, wheelhouse: Wheelhouse) -> None:
    wheel = wheelhouse.wheel("demo")
    serve(index)
    whole = index.faults["/files/"]
    assert callable(whole)
    finished: list[bool] = []

    def drip(handler: Handler) -> bool:
        handler.wfile.write(b"HTTP/1.1 100 Continue\r\n")
        for _ in range(60):
            handler.wfile.write(b"X: y\r\n")
            index.closing.wait(0.05)
        finished.append(True)
        handler.wfile.write(b"\r\n")
        return whole(handler)

    index.faults["/files/"] = drip
    with pytest.raises(DeadlineError, match="did not answer"):
        ask(index.url_of(wheel), deadline=0.5)
    assert not finished


def test_an_interrupt_reaches_who_waits(index: Index) -> None:
    main = threading.main_thread().ident
    assert main is not None

    def interrupt(handler: Handler) -> bool:
        signal.pthread_kill(main, signal.SIGINT)
        return index.hang(handler)

    index.faults["/files/"] = interrupt
    with pytest.raises(KeyboardInterrupt):
        ask(f"http://{index.host}/files/w")


def test_a_proxy_of_the_environment_is_asked_unless_the_host_is_excepted(index: Index, wheelhouse: Wheelhouse) -> None:
    wheel = wheelhouse.wheel("demo")
    serve(index)
    dead = f"http://127.0.0.1:{closed_port()}"
    assert ask(index.url_of(wheel), http_proxy=dead, no_proxy="a.example, 127.0.0.1") == {"demo"}
    with pytest.raises(IndexUnavailable):
        ask(index.url_of(wheel), HTTP_PROXY=dead)
    asked = len(index.requests)
    with pytest.raises(IndexUnavailable, match="socks5"):
        ask(index.url_of(wheel), http_proxy=f"socks5://{index.host}")
    assert len(index.requests) == asked


TLS = """
import http.server, ssl, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = open(sys.argv[3], "rb").read()
        self.send_response(206)
        self.send_header("Content-Range", f"bytes 0-{len(body) - 1}/{len(body)}")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
class Server(http.server.HTTPServer):
    def handle_error(self, *_): pass
server = Server(("127.0.0.1", 0), Handler)
told = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
told.load_cert_chain(sys.argv[1], sys.argv[2])
server.socket = told.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
"""


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    argv = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2"]
    argv += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    try:
        made = process.run(argv, env={"PATH": os.environ["PATH"]}, cwd=str(tmp_path), deadline=60)
    except EngineMissing:
        pytest.skip("no openssl to make a certificate with")
    assert made.code == 0, made.stderr
    return cert, key


def test_the_bundle_that_is_named_decides_whom_we_trust(certificate, wheelhouse: Wheelhouse, tmp_path, start) -> None:
    cert, key = certificate
    child = start(TLS, cert, key, str(wheelhouse.wheel("demo")))
    url = f"https://127.0.0.1:{child.stdout.readline().strip()}/demo.whl"
    assert ask(url, certificate=cert) == {"demo"}
    assert ask(url, SSL_CERT_FILE=cert) == {"demo"}
    with pytest.raises(IndexUnavailable):
        ask(url)
    for wrong in (str(tmp_path / "none.pem"), key):
        with pytest.raises(IndexUnavailable):
            ask(url, certificate=wrong, SSL_CERT_FILE=cert)
