"""The proxies that the environment names: which one is for a request, and what it takes to speak to it.

It speaks to nobody. A login in a proxy's URL is made known as a secret, and nothing here shows it.
"""

from __future__ import annotations

import base64
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from sessionpkgs.errors import IndexUnavailable, conceal
from sessionpkgs.formats.wording import show

_NAMES = frozenset({"http_proxy", "https_proxy", "all_proxy"})
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy: ``login`` is the value of a Proxy-Authorization header, empty where the URL has none."""

    scheme: str
    host: str
    port: int
    login: str = field(default="", repr=False)

    @property
    def place(self) -> str:
        """Host and port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def named(env: Mapping[str, str]) -> dict[str, str]:
    """The variables of *env* that name a proxy, or hosts without one, by lower-case name, which wins over upper case."""
    return {name.lower(): value for name, value in sorted(env.items()) if name.lower().endswith("_proxy") and value}


def configured(env: Mapping[str, str]) -> dict[str, str]:
    """What programs with *env* take for their proxies, by lower-case name; empty where they go without."""
    said = named(env)
    if _NAMES & said.keys():
        return said
    if platform.system() != "Darwin":
        return {}
    from urllib.request import getproxies  # macOS has proxies in its own settings, which engines read

    found = {f"{scheme}_proxy": url for scheme, url in getproxies().items() if f"{scheme}_proxy" in _NAMES}
    return {**said, **found} if found else {}


def url_for(scheme: str, host: str, said: Mapping[str, str]) -> str:
    """URL of the proxy for a request with *scheme* to *host*, after what *said* (see :func:`named`); "" for none."""
    proxy = said.get(f"{scheme}_proxy", said.get("all_proxy", ""))
    return "" if is_direct(host, said.get("no_proxy", "")) else proxy


def is_direct(host: str, listed: str) -> bool:
    """Whether the ``no_proxy`` list *listed* names *host* or a domain that it is in; ``*`` names all."""
    domains = (_bare(one.strip().lower()) for one in listed.split(","))
    return any(one in {"*", host.lower()} or (one and host.lower().endswith(f".{one}")) for one in domains)


def _bare(one: str) -> str:
    """An entry of a ``no_proxy`` list without its port, its brackets and a leading dot."""
    if one.startswith("["):
        return one[1:].partition("]")[0]
    return one.lstrip(".").rpartition(":")[0] or one.lstrip(".") if one.count(":") == 1 else one.lstrip(".")


def read(url: str) -> Proxy:
    """The proxy at *url*, which may lack its scheme. Raises :class:`IndexUnavailable` for one of another kind."""
    whole = url if "://" in url else f"http://{url}"
    conceal(whole)
    try:
        parts = urlsplit(whole)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if not host or parts.scheme not in _PORTS:
        raise IndexUnavailable(
            f"the proxy {show(url)} cannot be used where a policy limits the network: it is neither http nor https",
            hint="Name an http or https proxy in HTTP_PROXY and HTTPS_PROXY.",
            item=show(url),
        )
    login = ""
    if parts.username is not None or parts.password is not None:
        pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        login = f"Basic {base64.b64encode(pair.encode()).decode()}"
    return Proxy(parts.scheme, host, port or _PORTS[parts.scheme], login)
