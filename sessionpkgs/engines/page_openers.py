"""Who asks for a page of an index: with the login, the certificates and the proxies that pip would ask with.

It follows no redirect, and it knows neither what is asked for nor whether it may be.
"""

from __future__ import annotations

import base64
import os
import urllib.request
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from sessionpkgs._version import __version__
from sessionpkgs.engines import openers
from sessionpkgs.settings import Sources

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"


def opener(
    url: str, login: tuple[str, str] | None, sources: Sources, env: Mapping[str, str]
) -> urllib.request.OpenerDirector:
    """Who asks the host of *url* for a page.

    *login* is user and password, both empty where the user's netrc file counts, None where no login may go there.
    Raises OSError for a bundle of certificates that cannot be read.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" and {parts.netloc, parts.hostname} & {*sources.trusted_hosts}:
        made = _unverified(openers.proxy(parts, env))
    else:
        made = openers.opener(parts, env, sources.certificate or _bundle(env))
    made.addheaders = [("User-Agent", f"sessionpkgs/{__version__}"), ("Accept", _ACCEPT)]
    made.addheaders += [("Accept-Encoding", "gzip"), ("Cache-Control", "max-age=0")]
    if login is not None and not any(login):
        login = _in_netrc(parts.hostname or "", env)
    if login is not None and any(login):
        made.addheaders += [("Authorization", f"Basic {base64.b64encode(':'.join(login).encode()).decode()}")]
    return made


def _unverified(proxies: dict[str, str]) -> urllib.request.OpenerDirector:
    """Who asks a host that the user trusts whatever its certificate is (pip's ``--trusted-host``)."""
    import ssl

    anyone = ssl.create_default_context()
    anyone.check_hostname, anyone.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.OpenerDirector()
    for one in (urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=anyone)):
        opener.add_handler(one)
    return opener


def _bundle(env: Mapping[str, str]) -> str:
    """The CA bundle that pip would take where its own option names none; "" for the system's."""
    import ssl

    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        if env.get(name):
            return env[name] if name.endswith("BUNDLE") else ""
    system = ssl.get_default_verify_paths()
    if system.cafile or system.capath:
        return ""
    try:
        from pip._vendor.certifi import where
    except ImportError:
        return ""
    return str(where())


def _in_netrc(host: str, env: Mapping[str, str]) -> tuple[str, str]:
    """The login for *host* in the user's netrc file; none where there is no such file or it cannot be read, as for pip."""
    import netrc

    home = env.get("HOME", "")
    places: Sequence[str] = (
        (env["NETRC"],) if env.get("NETRC") else [os.path.join(home, n) for n in (".netrc", "_netrc")]
    )
    place = next((one for one in places if os.path.isfile(one)), "")
    try:
        found = netrc.netrc(place).authenticators(host) if place else None
    except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
        found = None
    return (found[0] or found[1] or "", found[2] or "") if found else ("", "")
