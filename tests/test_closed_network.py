"""Where a policy limits the network nothing leaves for another host, whatever names or leads to one, with a proxy or without.

The record of the proxy and a server that nobody may visit are what is believed. Code that a build runs, and that goes
past the proxy that it is told of, is not held.
"""

from __future__ import annotations

import io
import os
import ssl
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from sessionpkgs import process
from sessionpkgs.engines import Engine, also_there, fence, wheel_listing, wheel_presence, wheel_sizes
from sessionpkgs.errors import IndexForbidden, IndexUnavailable, PolicyError
from sessionpkgs.model import Lock, Pin, Requirement
from sessionpkgs.process import Runner
from sessionpkgs.session import fetching
from sessionpkgs.session.comparing import compare
from sessionpkgs.settings import Sources
from tests.conftest import requirement
from tests.engines.test_wheel_listing import redirect
from tests.proxying import RecordingProxy, Witness, recording
from tests.wheelhouse import BACKEND, Wheelhouse, closed_port, project, sha256_of

pytestmark = pytest.mark.slow

NAME = "a.example"
PROXIES = ("http_proxy", "https_proxy")
Fault = Callable[[BaseHTTPRequestHandler], bool]


@dataclass
class Net:
    """A network in which ``base`` alone may be asked; ``away`` is a host elsewhere."""

    proxy: RecordingProxy
    witness: Witness
    wheelhouse: Wheelhouse
    proxied: bool
    limit: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.limit = (NAME,) if self.proxied else ("127.0.0.1",)

    @property
    def host(self) -> str:
        """The one host."""
        return NAME if self.proxied else self.proxy.index.host

    @property
    def away(self) -> str:
        """Where nobody may go."""
        return f"http://{self.witness.host}"

    def sources(self, **changes: object) -> Sources:
        """The one index and its limit; every host is chosen in vain."""
        made = Sources(
            indexes=(f"http://{self.host}/simple",),
            implied=False,
            hosts=("*",),
            trusted_hosts=(NAME, self.witness.host),
            limit=self.limit,
        )
        return replace(made, **changes)  # type: ignore[arg-type]

    def leads(self, path: str, to: str) -> None:
        """Have *path* lead to the place *to*."""
        self.answers(path, redirect(to))

    def answers(self, path: str, fault: Fault) -> None:
        """Have *path* answered by *fault*."""
        self.proxy.faults[f"http://{self.host}{path}"] = fault
        self.proxy.index.faults[path] = fault

    def runner(self, sources: Sources, *places: str) -> Runner:
        """What engines run with."""
        return fence.fenced(process.run, fence.allowed(sources, places))

    def held(self) -> bool:
        """Whether nothing left for elsewhere, and something went where it may."""
        asked = {host.partition(":")[0] for host in self.proxy.hosts}
        return not self.witness.came() and asked <= {NAME} and not (self.proxied and self.proxy.index.requests)


@pytest.fixture(params=["proxied", "direct"])
def net(request: pytest.FixtureRequest, wheelhouse: Wheelhouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[Net]:
    wheelhouse.wheel("demo", requires=["other"])
    wheelhouse.wheel("other")
    with recording(wheelhouse, login="me:s3cret-login") as proxy, Witness() as witness:
        made = Net(proxy, witness, wheelhouse, request.param == "proxied")
        for name in PROXIES if made.proxied else ():
            monkeypatch.setenv(name, proxy.url)
        yield made
        assert made.held()


@pytest.fixture
def chosen(net: Net, engine: Engine, room, request_for) -> Callable[..., Lock]:
    """Resolves a line with an engine in that network."""

    def resolve(line: str, sources: Sources | None = None) -> Lock:
        said = sources or net.sources()
        bare = Requirement(line=line, name=line.partition(" ")[0], where="line 1")
        asked = bare if " @ " in line else requirement(line)
        return engine.resolve(request_for(asked, sources=said), room(runner=net.runner(said, line)))

    return resolve


def refused(call: Callable[..., object], net: Net, *arguments: object) -> PolicyError:
    """The refusal of a call, which names the host."""
    with pytest.raises(PolicyError) as caught:
        call(*arguments)
    error = caught.value
    assert net.witness.host in error.sentence
    assert "\n" not in error.sentence
    assert "s3cret" not in f"{error.sentence}{error.hint}"
    return error


def test_what_may_be_reached_is_chosen_and_installed(
    net: Net, chosen, engine: Engine, room, request_for, tmp_path
) -> None:
    lock = chosen("demo")
    assert [pin.name for pin in lock.pins] == ["demo", "other"]
    request = request_for("demo", sources=net.sources())
    engine.install(lock.pins, str(tmp_path / "into"), request, room(runner=net.runner(request.sources)))
    assert (tmp_path / "into" / "demo" / "__init__.py").is_file()
    assert bool(net.proxy.hosts) == net.proxied


@pytest.mark.parametrize("path", ["/simple/demo/", "/files/demo"])
def test_a_redirect_of_a_page_or_a_file_is_not_followed(
    path: str, net: Net, chosen, engine: Engine, room, request_for, tmp_path
) -> None:
    lock = chosen("demo") if path.startswith("/files") and engine.name == "uv" else None
    net.leads(path, f"{net.away}/simple/demo/")
    if lock is None:
        error = refused(chosen, net, "demo")
    else:
        request = request_for("demo", sources=net.sources(), fresh=True)
        place = room(runner=net.runner(request.sources), cache=str(tmp_path / "another"))
        error = refused(engine.install, net, lock.pins, str(tmp_path / "into"), request, place)
    assert f"{net.host} sends us to" in error.sentence


@pytest.mark.parametrize("attribute", ["", " data-core-metadata=true data-dist-info-metadata=true"])
def test_a_link_on_a_page_is_not_followed_nor_its_metadata_asked_for(attribute: str, net: Net, chosen) -> None:
    wheel = net.wheelhouse.folder / "demo-1.0-py3-none-any.whl"
    link = f'<a href="{net.away}/{wheel.name}#sha256={sha256_of(wheel)}"{attribute}>{wheel.name}</a>'
    net.answers("/simple/demo/", lambda handler: handler.answer(200, link.encode()) is None)  # type: ignore[attr-defined]
    refused(chosen, net, "demo")


def test_a_page_of_links_elsewhere_is_refused_and_so_is_a_link_on_one_here(net: Net, chosen) -> None:
    refused(chosen, net, "demo", net.sources(find_links=(f"{net.away}/links",)))
    link = f'<a href="{net.away}/demo-2.0-py3-none-any.whl">demo</a>'.encode()
    net.answers("/links", lambda handler: handler.answer(200, link) is None)  # type: ignore[attr-defined]
    linked = Sources(
        implied=False, no_index=True, find_links=(f"http://{net.host}/links",), hosts=("*",), limit=net.limit
    )
    refused(chosen, net, "demo", replace(linked, trusted_hosts=(NAME,)))


def test_an_index_elsewhere_is_refused_though_it_comes_second(net: Net, chosen) -> None:
    both = (*net.sources().indexes, f"{net.away}/simple")
    refused(chosen, net, "demo", net.sources(indexes=both))


def test_of_two_indexes_here_a_redirect_is_not_followed(net: Net, chosen) -> None:
    both = (f"http://{net.host}/nothing", *net.sources().indexes)
    assert [pin.name for pin in chosen("demo", net.sources(indexes=both)).pins] == ["demo", "other"]
    net.leads("/nothing/other/", f"{net.away}/simple/other/")
    error = refused(chosen, net, "other", net.sources(indexes=both))
    assert f"{net.host} sends us to" in error.sentence


@pytest.mark.parametrize(
    "place", ["{away}/demo-1.0-py3-none-any.whl", "git+{away}/x.git", "git+{away}/x.git@main#egg=demo"]
)
def test_a_place_elsewhere_is_refused_before_anything_starts(place: str, net: Net, chosen) -> None:
    refused(chosen, net, f"demo @ {place.format(away=net.away)}")


def test_a_direct_place_here_that_leads_elsewhere_is_not_followed(net: Net, chosen) -> None:
    net.leads("/files/demo", f"{net.away}/demo-1.0-py3-none-any.whl")
    refused(chosen, net, f"demo @ http://{net.host}/files/demo-1.0-py3-none-any.whl")


# -- repositories


@pytest.fixture
def repository(net: Net, tmp_path: Path) -> Callable[..., str]:
    """Makes a repository that the one host serves, maybe with a submodule at a URL, and gives its name."""
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}

    def git(*arguments: str, at: Path) -> str:
        who = ("-c", "user.name=t", "-c", "user.email=t@a.example", "-c", "init.defaultBranch=main")
        done = process.run(["git", *who, *arguments], env=env, cwd=str(at), deadline=60.0)
        assert done.code == 0, done.stderr
        return done.stdout.strip()

    def make(submodule: str = "") -> str:
        tree = project(tmp_path / "tree", "demo")
        git("init", "-q", at=tree)
        if submodule:
            (tree / ".gitmodules").write_text(f'[submodule "sub"]\n\tpath = sub\n\turl = {submodule}\n')
        git("add", ".", at=tree)
        if submodule:
            git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},sub", at=tree)
        git("commit", "-q", "-m", "x", at=tree)
        git("clone", "-q", "--bare", str(tree), str(net.wheelhouse.folder / "demo.git"), at=tmp_path)
        git("update-server-info", at=net.wheelhouse.folder / "demo.git")
        return "files/demo.git"

    return make


def test_a_repository_here_is_fetched_and_git_obeys_no_proxy_but_ours(
    net: Net, chosen, repository, surroundings: Path
) -> None:
    told = f'[http]\n\tproxy = {net.away}\n[http "http://{net.host}"]\n\tproxy = {net.away}\n'
    (surroundings / ".gitconfig").write_text(told)
    assert [pin.kind for pin in chosen(f"demo @ git+http://{net.host}/{repository()}").pins] == ["vcs"]


def test_a_repository_that_leads_elsewhere_is_not_followed(net: Net, chosen) -> None:
    net.leads("/moved.git", f"{net.away}/x.git/info/refs")
    refused(chosen, net, f"demo @ git+http://{net.host}/moved.git")


def test_a_submodule_elsewhere_is_not_fetched(net: Net, chosen, repository) -> None:
    refused(chosen, net, f"demo @ git+http://{net.host}/{repository(f'{net.away}/sub.git')}")


@pytest.mark.parametrize("place", ["ssh://git@{away}/sub.git", "git@127.0.0.2:sub.git", "git://{away}/sub.git"])
def test_a_submodule_is_not_fetched_past_all_proxies(
    place: str, net: Net, chosen, repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "went"
    monkeypatch.setenv("GIT_SSH_COMMAND", f"touch {marker};")
    with pytest.raises(PolicyError, match=r" sends us to 127\.0\.0\.2"):
        chosen(f"demo @ git+http://{net.host}/{repository(place.format(away=net.witness.host))}")
    assert not marker.exists()


def test_a_repository_here_is_fetched_in_ssh_and_its_submodule_elsewhere_is_not(
    net: Net, chosen, repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said, program = tmp_path / "said", tmp_path / "standing-in-for-ssh"
    program.write_text(f'#!/bin/sh\necho "$@" >>{said}\nfor last do :; done\neval "$last"\n')
    program.chmod(0o700)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(program))
    repository("ssh://git@127.0.0.2/sub.git")
    name = net.host.partition(":")[0]
    with pytest.raises(PolicyError, match=r" sends us to 127\.0\.0\.2"):
        chosen(f"demo @ git+ssh://git@{name}{net.wheelhouse.folder}/demo.git")
    lines = said.read_text().splitlines()
    assert lines
    assert all(f"git@{name} git-upload-pack" in line for line in lines)


def test_a_repository_elsewhere_is_refused_in_ssh_too(net: Net, chosen, tmp_path: Path, monkeypatch) -> None:
    marker = tmp_path / "went"
    monkeypatch.setenv("GIT_SSH_COMMAND", f"touch {marker};")
    refused(chosen, net, f"demo @ git+ssh://git@{net.witness.host}/x.git")
    assert not marker.exists()


# -- builds


def test_what_a_build_needs_comes_from_here_or_not_at_all(net: Net, chosen) -> None:
    net.wheelhouse.wheel("tool")
    net.wheelhouse.sdist("source", in_tree=True, needs=["tool"])
    assert [pin.name for pin in chosen("source").pins] == ["source"]
    net.wheelhouse.sdist("greedy", in_tree=True, needs=[f"tool2 @ {net.away}/tool2-1.0-py3-none-any.whl"])
    refused(chosen, net, "greedy")
    net.leads("/simple/tool3/", f"{net.away}/simple/tool3/")
    net.wheelhouse.sdist("sly", in_tree=True, needs=["tool3"])
    refused(chosen, net, "sly")


def test_code_of_a_build_that_asks_as_it_is_told_gets_nowhere(net: Net, chosen) -> None:
    told = BACKEND.format(name="calling", version="1.0", requires=[], marker="")
    call = f"import urllib.request\nurllib.request.urlopen({net.away!r} + '/x', timeout=20)\n"
    pyproject = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    entries = {"backend.py": call + told, "pyproject.toml": pyproject, "src/calling/__init__.py": "", "PKG-INFO": ""}
    with tarfile.open(net.wheelhouse.folder / "calling-1.0.tar.gz", "w:gz") as target:
        for name, text in entries.items():
            header = tarfile.TarInfo(f"calling-1.0/{name}")
            header.size = len(text)
            target.addfile(header, io.BytesIO(text.encode()))
    assert "the code that a build runs turns to" in refused(chosen, net, "calling").sentence


# -- what is encrypted, and what the user excepts from the proxy


@pytest.fixture
def tls(net: Net, tmp_path: Path) -> Iterator[str]:
    """The one host in TLS behind the proxy; gives the bundle to trust."""
    key, bundle = str(tmp_path / "key.pem"), str(tmp_path / "bundle.pem")
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    leaf = ["-addext", f"subjectAltName=DNS:{NAME}", "-addext", "basicConstraints=critical,CA:FALSE"]
    for argv in (
        [*made, "-subj", "/CN=those who sign", "-keyout", f"{key}.ca", "-out", bundle],
        [
            *made,
            "-subj",
            f"/CN={NAME}",
            *leaf,
            "-CA",
            bundle,
            "-CAkey",
            f"{key}.ca",
            "-keyout",
            key,
            "-out",
            f"{bundle}.own",
        ],
    ):
        done = process.run(argv, env=dict(os.environ), cwd=str(tmp_path), deadline=60.0)
        assert done.code == 0, done.stderr
    told = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    told.load_cert_chain(f"{bundle}.own", key)
    with net.wheelhouse.index() as index:
        index.server.socket = told.wrap_socket(index.server.socket, server_side=True)
        net.proxy.behind = ("127.0.0.1", index.port)
        index.faults = net.proxy.index.faults
        yield bundle


@pytest.mark.parametrize("net", ["proxied"], indirect=True)  # a name that only a proxy finds
def test_what_is_encrypted_goes_through_a_tunnel_to_here_alone(
    tls: str, net: Net, chosen, repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_SSL_CAINFO", "REQUESTS_CA_BUNDLE"):  # pip takes that one before its own
        monkeypatch.setenv(name, tls)
    secure = net.sources(indexes=(f"https://{NAME}/simple",), trusted_hosts=(), certificate=tls)
    assert [pin.name for pin in chosen("demo", secure).pins] == ["demo", "other"]
    repo = f"https://{NAME}/{repository()}"
    assert [pin.kind for pin in chosen(f"demo @ git+{repo}", secure).pins] == ["vcs"]
    assert {*net.proxy.hosts} == {f"{NAME}:443"}
    elsewhere = net.away.replace("http:", "https:")
    for path, line in (("/simple/third/", "third"), ("/moved.git", f"demo @ git+https://{NAME}/moved.git")):
        net.leads(path, f"{elsewhere}{path}")
        refused(chosen, net, line, secure)


def test_what_the_user_excepts_from_the_proxy_is_reached_without_it_and_nothing_else_is(
    net: Net, chosen, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = net.proxy.index.host
    for name in (*PROXIES, "all_proxy"):
        monkeypatch.setenv(name, net.proxy.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1,127.0.0.2")
    net.proxied, net.limit = False, ("127.0.0.1",)
    assert [pin.name for pin in chosen("demo").pins] == ["demo", "other"]
    assert net.proxy.index.requests
    assert net.proxy.hosts == []
    net.leads("/simple/third/", f"{net.away}/simple/third/")
    refused(chosen, net, "third", net.sources(indexes=(f"http://{here}/simple",)))


@pytest.mark.parametrize("address", ["socks5://127.0.0.1:{port}", "socks5h://me:s3cret@127.0.0.1:{port}"])
def test_a_proxy_that_cannot_be_held_is_not_used(
    address: str, net: Net, chosen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("all_proxy", address.format(port=net.proxy.port))
    with pytest.raises(
        IndexUnavailable, match=r"the proxy socks5h?://\S+ cannot be used .* neither http nor https"
    ) as caught:
        chosen("demo")
    assert "s3cret" not in f"{caught.value.sentence}{caught.value.hint}"


def test_a_proxy_that_is_away_or_refuses_the_login_is_what_is_told(
    net: Net, chosen, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxied = net.sources(indexes=(f"http://{NAME}/simple",), limit=(NAME,))
    for name in PROXIES:
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(IndexUnavailable, match=r"the proxy 127\.0\.0\.1:\d+ cannot be reached: Connection refused"):
        chosen("demo", proxied)
    for name in PROXIES:
        monkeypatch.setenv(name, net.proxy.url.replace("s3cret-login", "another-one"))
    with pytest.raises(IndexUnavailable, match=r"the proxy 127\.0\.0\.1:\d+ refuses the login, or wants one"):
        chosen("demo", proxied)


# -- a session under a policy


@pytest.fixture
def closed(net: Net, surroundings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that leaves that one host, and a user who chooses every other."""
    policy = surroundings / "policy.toml"
    policy.write_text(f'closed_network = true\nindexes = ["http://{net.host}/simple"]\n')
    policy.chmod(0o644)
    monkeypatch.setenv("SESSIONPKGS_POLICY", str(policy))
    monkeypatch.setenv("SESSIONPKGS_HOSTS", "*")
    monkeypatch.setenv("PIP_TRUSTED_HOST", f"{NAME} {net.witness.host}")


@pytest.mark.parametrize("engine", ["uv", "pip"])
def test_a_session_under_a_policy_gets_what_is_here_and_is_refused_the_rest(
    engine: str, closed: None, net: Net, session
) -> None:
    here = session()
    here.declare("demo\n", engine=engine)
    assert [pin.name for pin in here.held.pins] == ["demo", "other"]
    net.wheelhouse.wheel("third")
    net.leads("/simple/third/", f"{net.away}/simple/third/")
    wheel = f"{net.away}/fourth-1.0-py3-none-any.whl"
    for text in (
        "third",
        f"fourth @ {wheel}",
        f"fourth @ git+{net.away}/x.git",
        f"--find-links {net.away}/links\nfourth",
    ):
        error = refused(lambda text=text: here.declare(f"{text}\n", engine=engine), net)
        assert error.rule == "closed_network"


# -- what our own process asks


def test_sizes_presence_listings_and_modules_are_asked_here_alone(net: Net) -> None:
    wheel = "demo-1.0-py3-none-any.whl"
    net.leads("/moved", f"{net.away}/{wheel}")
    here, page = f"http://{net.host}/files/{wheel}", f"http://{net.host}/simple/demo/"
    files = [here, f"{net.away}/{wheel}", f"http://{net.host}/moved/{wheel}"]
    pages = [page, f"{net.away}/simple/demo/", f"http://{net.host}/moved/simple/demo/"]
    hosts = fence.allowed(net.sources(), (*files, *pages))
    env = {name: value for name, value in os.environ.items() if name in PROXIES}
    assert wheel_presence.present(files, env=env, deadline=30.0, hosts=hosts) == {here: "there"}
    assert [*wheel_presence.listings(pages, env=env, deadline=30.0, hosts=hosts)] == [page]
    assert wheel_sizes.sizes(files, env=env, deadline=30.0, hosts=hosts) == {}  # whole files, no parts
    for url in files[1:]:
        refused(lambda url=url: wheel_listing.modules(url, deadline=30.0, env=env, hosts=hosts), net)


def test_a_file_for_the_workspace_is_fetched_from_here_alone(net: Net, tmp_path: Path) -> None:
    net.wheelhouse.folder.joinpath("demo.jar").write_bytes(b"a jar")
    net.leads("/moved", f"{net.away}/demo.jar")
    env = {name: value for name, value in os.environ.items() if name in PROXIES}
    bounds = fetching.Bounds(sources=net.sources(), env=env, deadline=30.0)
    fetching.fetch(f"http://{net.host}/files/demo.jar", str(tmp_path / "here"), bounds)
    assert (tmp_path / "here").read_bytes() == b"a jar"
    for url in (f"{net.away}/demo.jar", f"http://{net.host}/moved/demo.jar"):
        refused(lambda url=url: fetching.fetch(url, str(tmp_path / "away"), bounds), net)


def test_other_indexes_are_asked_for_a_name_only_here(net: Net) -> None:
    lock = Lock(pins=(Pin(name="demo", version="1.0", url=f"http://{net.host}/files/demo-1.0-py3-none-any.whl"),))
    env = {name: value for name, value in os.environ.items() if name in PROXIES}
    both = (*net.sources().indexes, f"{net.away}/simple", f"http://{net.host}/moved")
    net.leads("/moved", f"{net.away}/simple/demo/")
    assert also_there.told(lock, net.sources(indexes=both), env).notices == ()


# -- what is declared, and what a policy leaves of it


def test_a_limit_is_not_lifted_by_any_choice_and_narrows_what_is_wider() -> None:
    said = Sources(
        indexes=("https://b.example/simple", "https://deep.a.example/simple", "https://c.example/simple"),
        hosts=("*",),
        trusted_hosts=("z.example",),
        limit=("a.example", "https://pypi.c.example:8443/", "*.d.example"),
    )
    hosts = fence.allowed(said)
    assert not hosts.everywhere
    assert hosts.names == {"a.example", "pypi.c.example", "d.example"}
    narrow = fence.allowed(replace(said, hosts=("c.example",), implied=False))
    assert narrow.names == {"deep.a.example", "pypi.c.example"}
    assert narrow.barred == ("b.example", "c.example")
    with pytest.raises(IndexForbidden, match=r"^the policy does not allow b\.example$") as caught:
        narrow.admit()
    assert caught.value.hint.startswith("Only a.example, d.example, pypi.c.example may be reached here; `sessionpkgs")
    assert narrow.allows("file:///x")
    assert not narrow.allows("https://c.example/x")


def test_a_host_within_the_limit_that_nobody_declared_is_told_as_before() -> None:
    hosts = fence.allowed(Sources(indexes=("https://a.example/s",), implied=False, limit=("a.example", "b.example")))
    assert hosts.refusal(["b.example"]).sentence == "a.example sends us to b.example, and nobody declared that host"
    assert hosts.refusal(["c.example"]).sentence == "a.example sends us to c.example, which the policy does not allow"


def test_what_is_here_already_bars_nothing_and_is_not_asked_for_either() -> None:
    sources = Sources(implied=False, limit=())
    hosts = fence.allowed(sources, kept=["https://b.example/x.whl"])
    hosts.admit()
    assert not hosts.allows("https://b.example/x.whl")
    assert "No host may be reached here" in hosts.refusal(["b.example"]).hint
    with pytest.raises(IndexForbidden):
        fence.allowed(sources, ["https://b.example/x.whl"]).admit()


def test_the_engines_own_index_outside_the_limit_bars_nothing_until_it_is_asked() -> None:
    hosts = fence.allowed(Sources(limit=("a.example",)))
    hosts.admit()
    assert hosts.names == frozenset()
    hosts = fence.allowed(Sources(limit=("a.example",)))
    hosts.admit()
    assert hosts.names == frozenset()


def test_a_diff_under_a_policy_asks_here_alone(
    net: Net, session, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    here = session()
    indexes = net.sources().indexes
    monkeypatch.setenv("PIP_TRUSTED_HOST", NAME)
    here.declare(f"--index-url {indexes[0]}\ndemo\n")
    request.getfixturevalue("closed")
    Path(os.environ["SESSIONPKGS_POLICY"]).write_text("closed_network = true\n")
    count = len(net.proxy.hosts) + len(net.proxy.index.requests)
    compare(here)
    assert len(net.proxy.hosts) + len(net.proxy.index.requests) == count
