"""Where a session looks for distributions: what the declaration names, else what is configured, the workspace before all.

What a policy does not allow is refused here, before anybody is asked. It asks nothing itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sessionpkgs import settings as chosen
from sessionpkgs import workspace
from sessionpkgs.engines import uv_config
from sessionpkgs.model import Spec
from sessionpkgs.session import resolving, rules
from sessionpkgs.settings import Settings, Sources
from sessionpkgs.store import Store


def sources(env: Mapping[str, str], settings: Settings, spec: Spec, store: Store) -> Sources:
    """The places for *spec*, in the order in which they are asked; hosts that a policy leaves are their ``limit``.

    Raises :class:`PolicyError` for one that is not allowed.
    """
    said = rules.load(env).sources(resolving.sources(spec, chosen.sources(env, settings)), uv_config.default_index())
    first = workspace.index(env, store.path("views"))
    if not first:
        return said
    if said.no_index:  # no index but ours, which is a folder
        return replace(said, indexes=(first,), implied=False, no_index=False)
    return replace(said, indexes=(first, *said.indexes))
