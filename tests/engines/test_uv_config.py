"""What uv is told of indexes."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from sessionpkgs.engines import uv_config
from sessionpkgs.places import parse_toml
from sessionpkgs.settings import Sources


def test_indexes_keep_their_order_and_the_last_one_is_the_default() -> None:
    text, logins = uv_config.describe(Sources(indexes=("https://a.example/s", "https://b.example/s"), implied=False))
    index = parse_toml(text)["index"]
    assert [(one["url"], one.get("default", False)) for one in index] == [
        ("https://a.example/s", False),
        ("https://b.example/s", True),
    ]
    assert all(one["cache-control"] == uv_config.FRESHNESS for one in index)
    assert logins == {}


def test_the_public_index_comes_last_where_it_is_implied() -> None:
    text, _ = uv_config.describe(Sources(indexes=("https://a.example/s",), implied=True))
    assert [one["url"] for one in parse_toml(text)["index"]] == ["https://a.example/s", uv_config.default_index()]


def test_the_public_index_tells_where_its_files_are() -> None:
    page = str(urlsplit(uv_config.default_index()).hostname)
    assert all(page != host and "." in host for host in uv_config.default_files()[page])


def test_a_login_stands_in_variables_and_not_in_the_file() -> None:
    text, logins = uv_config.describe(Sources(indexes=("https://me:p%40ss@a.example:8443/s",), implied=False))
    assert "p%40ss" not in text
    assert "p@ss" not in text
    assert parse_toml(text)["index"][0]["url"] == "https://a.example:8443/s"
    assert logins == {"UV_INDEX_I0_USERNAME": "me", "UV_INDEX_I0_PASSWORD": "p@ss"}


@pytest.mark.parametrize("sources", [Sources(no_index=True), Sources(indexes=("https://a.example",), no_index=True)])
def test_without_an_index_none_is_named(sources: Sources) -> None:
    assert uv_config.describe(sources)[0] == ""


def test_a_refresh_says_nothing_of_freshness() -> None:
    text, _ = uv_config.describe(Sources(), refresh=True)
    assert "cache-control" not in text
