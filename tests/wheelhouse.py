"""Real wheels and source archives made in a moment, and an index over them that can be made to fail.

Nothing is compiled and nothing is fetched: a wheel is a zip file with a true RECORD, unless the test asks for a lie.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import html
import io
import os
import re
import socket
import tarfile
import threading
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from sessionpkgs.settings import Sources

Rows = list[list[str]]
Files = Mapping[str, str | bytes]
_EPOCH = (2020, 1, 1, 0, 0, 0)

BACKEND = '''
"""A build backend that needs nothing: it zips the folder `src` and says in the file MARKER that it ran."""
import base64, hashlib, os, zipfile
NAME, VERSION, REQUIRES, MARKER = {name!r}, {version!r}, {requires!r}, {marker!r}

def _say():
    if MARKER:
        with open(MARKER, "a") as target:
            target.write("built\\n")

def _wheel(folder, payload):
    _say()
    stem = NAME.replace("-", "_") + "-" + VERSION
    info, filename = stem + ".dist-info", stem + "-py3-none-any.whl"
    told = ["Metadata-Version: 2.1", "Name: " + NAME, "Version: " + VERSION]
    told += ["Requires-Dist: " + line for line in REQUIRES]
    payload[info + "/METADATA"] = ("\\n".join(told) + "\\n").encode()
    payload[info + "/WHEEL"] = b"Wheel-Version: 1.0\\nGenerator: tests\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    rows = []
    with zipfile.ZipFile(os.path.join(folder, filename), "w") as target:
        for path, data in payload.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.append("%s,sha256=%s,%d" % (path, digest, len(data)))
            target.writestr(path, data)
        rows.append(info + "/RECORD,,")
        target.writestr(info + "/RECORD", "\\n".join(rows) + "\\n")
    return filename

def build_wheel(folder, config_settings=None, metadata_directory=None):
    payload = {{}}
    for where, _, names in os.walk("src"):
        for name in names:
            path = os.path.join(where, name)
            with open(path, "rb") as source:
                payload[os.path.relpath(path, "src").replace(os.sep, "/")] = source.read()
    return _wheel(folder, payload)

def build_editable(folder, config_settings=None, metadata_directory=None):
    return _wheel(folder, {{NAME.replace("-", "_") + ".pth": os.path.abspath("src").encode()}})

def build_sdist(folder, config_settings=None):
    raise NotImplementedError
'''
_PYPROJECT = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
_SETUP = """
import os
MARKER = {marker!r} or os.environ.get("SDIST_MARKER", "")
if MARKER:
    with open(MARKER, "a") as target:
        target.write("built\\n")
from setuptools import setup
setup(name={name!r}, version={version!r}, install_requires={requires!r}, package_dir={{"": "src"}}, packages={packages!r})
"""


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def record_hash(data: bytes) -> str:
    """The hash of *data* as a RECORD writes it."""
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def unpack(wheel: Path, into: Path) -> Path:
    """Put the files of *wheel* into the folder *into*, as an installer does for a wheel without scripts."""
    with zipfile.ZipFile(wheel) as source:
        source.extractall(into)
    return into


def closed_port() -> int:
    """A port of 127.0.0.1 where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def project(folder: Path, name: str, version: str = "1.0", *, requires: Iterable[str] = (), marker: str = "") -> Path:
    """A source folder that any engine can build without an index: the backend is in the tree."""
    module = name.replace("-", "_")
    (folder / "src" / module).mkdir(parents=True)
    (folder / "src" / module / "__init__.py").write_text(f'__version__ = "{version}"\n')
    (folder / "pyproject.toml").write_text(
        _PYPROJECT + f'[project]\nname = "{name}"\nversion = "{version}"\ndependencies = {list(requires)!r}\n'
    )
    told = BACKEND.format(name=name, version=version, requires=list(requires), marker=marker)
    (folder / "backend.py").write_text(told)
    return folder


class Wheelhouse:
    """A folder of wheels and source archives. ``folder`` is what an engine takes as find-links."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def wheel(
        self,
        name: str,
        version: str = "1.0",
        *,
        requires: Iterable[str] = (),
        files: Files | None = None,
        entry_points: Mapping[str, Mapping[str, str]] | None = None,
        scripts: Files | None = None,
        extras: Mapping[str, Iterable[str]] | None = None,
        data: Files | None = None,
        tag: str = "py3-none-any",
        requires_python: str | None = None,
        record: Callable[[Rows], Rows | None] | None = None,
    ) -> Path:
        """A wheel; *record* may change the rows of its RECORD, or give None to leave the RECORD out."""
        module = re.sub(r"[-_.]+", "_", name)
        info = f"{module}-{version}.dist-info"
        chosen = files if files is not None else {f"{module}/__init__.py": f'__version__ = "{version}"\n'}
        entries: dict[str, str | bytes] = dict(chosen)
        entries |= {f"{module}-{version}.data/scripts/{path}": text for path, text in (scripts or {}).items()}
        entries |= {f"{module}-{version}.data/data/{path}": text for path, text in (data or {}).items()}
        entries[f"{info}/METADATA"] = _metadata(name, version, requires, extras or {}, requires_python)
        entries[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\n" + f"Tag: {tag}\n"
        if entry_points:
            entries[f"{info}/entry_points.txt"] = "".join(
                f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in named.items())
                for group, named in entry_points.items()
            )
        return self._write(f"{module}-{version}-{tag}.whl", entries, f"{info}/RECORD", record)

    def _write(self, filename: str, entries: Files, listing: str, record: Callable[[Rows], Rows | None] | None) -> Path:
        """Zip *entries* with their RECORD."""
        path = self.folder / filename
        rows: Rows = []
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
            for name, content in entries.items():
                data = content.encode() if isinstance(content, str) else content
                rows.append([name, record_hash(data), str(len(data))])
                entry = zipfile.ZipInfo(name, _EPOCH)
                entry.external_attr = (0o100755 if "/scripts/" in name else 0o100644) << 16
                target.writestr(entry, data)
            rows.append([listing, "", ""])
            told = record(rows) if record else rows
            if told is not None:
                text = io.StringIO(newline="")
                csv.writer(text, lineterminator="\n").writerows(told)
                target.writestr(zipfile.ZipInfo(listing, _EPOCH), text.getvalue())
        return path

    def sdist(
        self,
        name: str,
        version: str = "1.0",
        *,
        requires: Iterable[str] = (),
        files: Files | None = None,
        marker: str = "",
        in_tree: bool = False,
        needs: Iterable[str] = (),
    ) -> Path:
        """A source archive without a wheel beside it; whoever builds it writes the file *marker* (or SDIST_MARKER).

        It builds with setuptools from an index; *in_tree* carries its own backend, which *needs* what an index has.
        """
        module = re.sub(r"[-_.]+", "_", name)
        marker = marker or os.environ.get("SDIST_MARKER", "")
        chosen = files if files is not None else {f"{module}/__init__.py": f'__version__ = "{version}"\n'}
        entries: dict[str, str | bytes] = {f"src/{path}": text for path, text in chosen.items()}
        entries["PKG-INFO"] = _metadata(name, version, requires, {}, None)
        told = {"name": name, "version": version, "requires": list(requires), "marker": marker}
        if in_tree:
            pyproject = _PYPROJECT.replace("requires = []", f"requires = {list(needs)}")
            entries |= {"pyproject.toml": pyproject, "backend.py": BACKEND.format(**told)}
        else:
            packages = sorted({path.rpartition("/")[0].replace("/", ".") for path in chosen if "/" in path})
            entries["setup.py"] = _SETUP.format(**told, packages=packages)
        path = self.folder / f"{module}-{version}.tar.gz"
        with tarfile.open(path, "w:gz") as target:
            for entry, content in entries.items():
                data = content.encode() if isinstance(content, str) else content
                header = tarfile.TarInfo(f"{module}-{version}/{entry}")
                header.size = len(data)
                target.addfile(header, io.BytesIO(data))
        return path

    @contextmanager
    def index(self) -> Iterator[Index]:
        """A simple index (PEP 503) over the folder, for the length of the block."""
        index = Index(self.folder)
        thread = threading.Thread(target=index.server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield index
        finally:
            index.closing.set()
            index.server.shutdown()
            thread.join()
            index.server.server_close()


def _metadata(
    name: str,
    version: str,
    requires: Iterable[str],
    extras: Mapping[str, Iterable[str]],
    requires_python: str | None,
) -> str:
    """The text of a METADATA file."""
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    lines += [f"Requires-Dist: {line}" for line in requires]
    for extra, wanted in extras.items():
        lines += [f"Provides-Extra: {extra}", *(f'Requires-Dist: {line} ; extra == "{extra}"' for line in wanted)]
    return "\n".join(lines) + "\n"


class Index:
    """A running index: where it is, what was asked, and what it does instead of answering.

    ``faults`` maps the beginning of a path to a status, or to a function that gets the request's handler and returns
    True when it has answered itself. ``logins`` are the Authorization headers that came.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requests: list[str] = []
        self.logins: list[str] = []
        self.faults: dict[str, int | Callable[[BaseHTTPRequestHandler], bool]] = {}
        self.closing = threading.Event()
        self.server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"index": self}))
        self.port: int = self.server.server_address[1]
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}/simple"

    def sources(self, login: str = "") -> Sources:
        """This index and no other, for an engine."""
        url = self.url.replace("http://", f"http://{login}@") if login else self.url
        return Sources(indexes=(url,), implied=False)

    def url_of(self, file: Path) -> str:
        """Where the index serves *file*."""
        return f"http://{self.host}/files/{file.name}"

    def hang(self, _handler: BaseHTTPRequestHandler) -> bool:
        """A fault: hold the request open until the index closes."""
        self.closing.wait()
        return True

    def page(self, path: str) -> tuple[int, bytes]:
        """Status and body for *path*."""
        head, _, name = path.partition("?")[0].strip("/").partition("/")
        if head == "files" and (self.folder / name).is_file():
            return 200, (self.folder / name).read_bytes()
        files = sorted(self.folder.glob("*.whl")) + sorted(self.folder.glob("*.tar.gz"))
        found = [file for file in files if _project_of(file) == name]
        if head == "simple" and found:
            links = [f'<a href="/files/{f.name}#sha256={sha256_of(f)}"{_python_of(f)}>{f.name}</a>' for f in found]
            return 200, f"<!DOCTYPE html><html><body>{'<br>'.join(links)}</body></html>".encode()
        return 404, b"not here"


class _Handler(BaseHTTPRequestHandler):
    """Answers for its index."""

    index: Index

    def do_GET(self) -> None:
        """Note the request, then fail as told or answer."""
        self.index.requests.append(self.path)
        if login := self.headers.get("Authorization"):
            self.index.logins.append(login)
        for prefix, fault in self.index.faults.items():
            if self.path.startswith(prefix):
                if isinstance(fault, int):
                    return self.answer(fault, b"no")
                if fault(self):
                    return None
        return self.answer(*self.index.page(self.path))

    do_HEAD = do_GET  # noqa: N815 - the name that http.server looks for

    def answer(self, status: int, body: bytes) -> None:
        """Send one whole response."""
        self.send_response(status)
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="index"')
        self.send_header("Content-Type", "application/octet-stream" if self.path.startswith("/files/") else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            with suppress(OSError):
                self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    """Answers in threads that do not keep the test waiting, and does not tell of clients that went away."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing."""


def _project_of(file: Path) -> str:
    """Normalised name of the project that *file* belongs to."""
    stem = file.name.removesuffix(".tar.gz").rpartition("-")[0] if file.suffix == ".gz" else file.name.split("-")[0]
    return re.sub(r"[-_.]+", "-", stem).lower()


def _python_of(file: Path) -> str:
    """The attribute that tells a wheel's Requires-Python."""
    if file.suffix != ".whl":
        return ""
    with zipfile.ZipFile(file) as source:
        name = next(name for name in source.namelist() if name.endswith(".dist-info/METADATA"))
        match = re.search(r"^Requires-Python: (.*)$", source.read(name).decode(), re.MULTILINE)
    return f' data-requires-python="{html.escape(match.group(1))}"' if match else ""


Entry = tuple[str | zipfile.ZipInfo, str | bytes]


def link_entry(name: str, target: str) -> Entry:
    """An entry of a wheel that is a symbolic link to *target*."""
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    return entry, target


def pipe_entry(name: str) -> Entry:
    """An entry of a wheel that says it is a named pipe."""
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.create_system, entry.external_attr = 3, 0o010644 << 16
    return entry, ""


def raw_wheel(
    folder: Path,
    name: str,
    more: Iterable[Entry] = (),
    *,
    version: str = "1.0",
    metadata: str | bytes = "",
    listed: bool = True,
    record: Callable[[Rows], Rows | None] | None = None,
) -> Path:
    """A wheel with a module and, beside it, the entries *more* exactly as written; its RECORD lists them if *listed*."""
    module = re.sub(r"[-_.]+", "_", name)
    info = f"{module}-{version}.dist-info"
    beside = list(more)
    extra = {id(entry) for entry, _ in beside}
    entries: list[Entry] = [
        (f"{module}/__init__.py", f'__version__ = "{version}"\n'),
        *beside,
        (f"{info}/METADATA", metadata or _metadata(name, version, (), {}, None)),
        (f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
    ]
    rows: Rows = []
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        warnings.simplefilter("ignore")  # a name that comes twice
        for entry, content in entries:
            data = content.encode() if isinstance(content, str) else content
            told = entry if isinstance(entry, zipfile.ZipInfo) else zipfile.ZipInfo(entry, _EPOCH)
            told.external_attr = told.external_attr or 0o100644 << 16
            target.writestr(told, data, zipfile.ZIP_DEFLATED)
            if listed or id(entry) not in extra:
                rows.append([told.filename, record_hash(data), str(len(data))])
        rows.append([f"{info}/RECORD", "", ""])
        said = record(rows) if record else rows
        if said is not None:
            text = io.StringIO(newline="")
            csv.writer(text, lineterminator="\n").writerows(said)
            target.writestr(zipfile.ZipInfo(f"{info}/RECORD", _EPOCH), text.getvalue())
    return path


def bomb(folder: Path, name: str, size: int) -> Path:
    """A small wheel with one file of *size* zero bytes in it."""
    module, chunk = name.replace("-", "_"), bytes(1 << 24)
    info, digest = f"{module}-1.0.dist-info", hashlib.sha256()
    path = folder / f"{module}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as target:
        zeros = zipfile.ZipInfo(f"{module}/zeros.bin", _EPOCH)
        zeros.compress_type = zipfile.ZIP_DEFLATED
        with target.open(zeros, "w", force_zip64=True) as sink:
            for _ in range(size // len(chunk)):
                sink.write(chunk)
                digest.update(chunk)
        size -= size % len(chunk)
        hashed = "sha256=" + base64.urlsafe_b64encode(digest.digest()).rstrip(b"=").decode()
        rows = [f"{module}/zeros.bin,{hashed},{size}"]
        for entry, text in (
            (f"{info}/METADATA", _metadata(name, "1.0", (), {}, None)),
            (f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
        ):
            rows.append(f"{entry},{record_hash(text.encode())},{len(text)}")
            target.writestr(zipfile.ZipInfo(entry, _EPOCH), text)
        target.writestr(zipfile.ZipInfo(f"{info}/RECORD", _EPOCH), "\n".join([*rows, f"{info}/RECORD,,"]) + "\n")
    return path


def prepend(wheel: bytes) -> bytes:
    """*wheel* with bytes before it, as a self-extracting archive has them."""
    return b"#!/bin/sh\nexit\n" + wheel


def append(wheel: bytes) -> bytes:
    """*wheel* with bytes behind it."""
    return wheel + b"and more"


def comment(wheel: bytes) -> bytes:
    """*wheel* with a comment behind it, in which there is room for another archive."""
    return wheel[:-2] + len(wheel).to_bytes(2, "little") + wheel


def hide_name(wheel: bytes) -> bytes:
    """*wheel* with another name before the first file than its list has for it."""
    length = int.from_bytes(wheel[26:28], "little")
    return wheel[:30] + b"x" * length + wheel[30 + length :]


def hide_method(wheel: bytes) -> bytes:
    """*wheel* where the first file is packed in one way before it and in another in the list."""
    return wheel[:8] + b"\0\0" + wheel[10:]


def hide_size(wheel: bytes) -> bytes:
    """*wheel* where the first file is longer before it than in the list."""
    return wheel[:22] + (int.from_bytes(wheel[22:26], "little") + 1).to_bytes(4, "little") + wheel[26:]


def hide_entry(wheel: bytes) -> bytes:
    """*wheel* with a file that its list does not have, between the files and the list."""
    entry = io.BytesIO()
    with zipfile.ZipFile(entry, "w") as target:
        target.writestr("evil_a/hidden.py", "stolen = True\n")
    hidden = entry.getvalue()[: entry.getvalue().index(b"PK\x01\x02")]
    end = wheel.rindex(b"PK\x05\x06")
    begin = int.from_bytes(wheel[end + 16 : end + 20], "little")
    moved = (begin + len(hidden)).to_bytes(4, "little")
    return wheel[:begin] + hidden + wheel[begin : end + 16] + moved + wheel[end + 20 :]


def miscount(wheel: bytes) -> bytes:
    """*wheel* whose end says that there is one file less than its list has."""
    end = wheel.rindex(b"PK\x05\x06")
    count = (int.from_bytes(wheel[end + 8 : end + 10], "little") - 1).to_bytes(2, "little")
    return wheel[: end + 8] + count + count + wheel[end + 12 :]


def hide_list(wheel: bytes) -> bytes:
    """*wheel* with bytes between its list and its end."""
    end = wheel.rindex(b"PK\x05\x06")
    return wheel[:end] + b"hidden" + wheel[end:]


AMBIGUOUS = (prepend, append, comment, hide_name, hide_method, hide_size, hide_entry, miscount, hide_list)
"""Changes after which two readers of a zip file may see two wheels."""
