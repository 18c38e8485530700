"""Who asks a web server in our own process: through the user's proxy, with the user's certificates, following nothing.

It does not know whether a server may be asked; whoever opens decides that for each request, redirects too.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from urllib.parse import SplitResult

from sessionpkgs.engines import proxies


def opener(parts: SplitResult, env: Mapping[str, str], certificate: str) -> urllib.request.OpenerDirector:
    """Who asks for *parts*: through the proxy that *env* names, with our certificates, following nothing by itself."""
    made = urllib.request.OpenerDirector()
    chosen: list[urllib.request.BaseHandler] = [urllib.request.ProxyHandler(proxy(parts, env))]
    if parts.scheme == "https":
        import ssl

        trusted = ssl.create_default_context(
            cafile=certificate or env.get("SSL_CERT_FILE") or None,
            capath=None if certificate else env.get("SSL_CERT_DIR") or None,
        )
        chosen.append(urllib.request.HTTPSHandler(context=trusted))
    else:
        chosen.append(urllib.request.HTTPHandler())
    for one in (*chosen, urllib.request.UnknownHandler()):
        made.add_handler(one)
    return made


def proxy(parts: SplitResult, env: Mapping[str, str]) -> dict[str, str]:
    """The proxy for *parts*, by scheme; none where ``no_proxy`` names its host."""
    found = proxies.url_for(parts.scheme, parts.hostname or "", proxies.named(env))
    return {parts.scheme: found} if found else {}
