"""Failures of engines, told in our words: first the texts of uv 0.13 and pip 26.3, then the engines themselves."""

from __future__ import annotations

import pytest

from sessionpkgs.engines import words, words_pip, words_uv
from sessionpkgs.errors import (
    IndexUnavailable,
    IntegrityError,
    NotFoundError,
    ResolveError,
    SourceForbidden,
    StoreError,
)
from sessionpkgs.settings import Sources
from tests.wheelhouse import closed_port

UV = "Using CPython 3.11.7 interpreter at: /usr/bin/python\nerror: "
UNSOLVED = UV + "No solution found when resolving dependencies\n  cause: "
FETCH = UV + "Failed to fetch: http://h.example:8500/simple/demo/\n  cause: "
LOG = "2026-11-20T11:05:33,503 Could not fetch URL http://h.example:5010/simple/demo/: "
MISSING = "ERROR: Could not find a version that satisfies the requirement demo{} (from versions: {})\n"


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (FETCH + "HTTP status server error (500 Internal Server Error)", IndexUnavailable, "h.example:8500 answered .*500"),
        (FETCH + "tcp connect error\n  cause: Connection refused (os error 111)", IndexUnavailable, "connection refused"),
        (FETCH + "invalid peer certificate: UnknownIssuer", IndexUnavailable, "certificate is not trusted"),
        (FETCH + "dns error: failed to lookup address information", IndexUnavailable, "cannot be looked up"),
        (FETCH + "operation timed out", IndexUnavailable, "did not answer in time"),
        (FETCH + "error decoding response body\n  cause: error reading a body from connection\n  cause: end of file before "
         "message length reached", IndexUnavailable, "closed the connection"),
        (
            UNSOLVED + "Because demo was not found in the package registry and you require demo, we can conclude that "
            "your requirements are unsatisfiable.\n\nhint: An index URL (http://h.example/simple) could not be queried "
            "due to a lack of valid authentication credentials (401 Unauthorized)",
            IndexUnavailable,
            "h.example refused the login",
        ),
        (UNSOLVED + "Because demo was not found in the package registry and you", NotFoundError, "called demo"),
        (UNSOLVED + "Because there is no version of demo==9 and you require demo==9,", NotFoundError, "has demo==9"),
        (
            UNSOLVED + "Because only demo<=1.0 is available and you require demo>=9, we can conclude",
            NotFoundError,
            "demo>=9; the index has demo<=1.0",
        ),
        (
            UNSOLVED + "Because demo==1.0 has no wheels with a matching Python ABI tag (e.g., `cp311`) and you require demo",
            NotFoundError,
            "demo has no wheel for this Python",
        ),
        (
            UNSOLVED + "Because left depends on dep<2 and right depends on dep>=2, we can conclude that left and right are "
            "incompatible.",
            ResolveError,
            "left depends on dep<2 and right depends on dep>=2",
        ),
        (
            UNSOLVED + "Because there are no versions of demo and you require demo, we can conclude that your requirements",
            IndexUnavailable,
            "page for demo lists no wheel",
        ),
        (UV + "Hash mismatch for `demo==1.0`", IntegrityError, "demo==1.0"),
        (UV + "failed to write: No space left on device (os error 28)", StoreError, "disk is full"),
        (UV + "Failed to build `demo==1.0`\n  cause: The build backend returned an error", ResolveError, "could not be built"),
    ],
)  # fmt: skip
def test_a_failure_of_uv_is_told_by_its_cause(text, kind, said):
    error = words_uv.error(text, [])
    assert type(error) is kind
    assert_matches(error, said)


@pytest.mark.parametrize(
    ("output", "log", "kind", "said"),
    [
        (MISSING.format("", "none"), "", NotFoundError, "called demo"),
        (MISSING.format("==9", "1.0, 2.0"), "", NotFoundError, "no index has demo.*2.0"),
        (MISSING.format("", "none"), LOG + "403 Client Error: Forbidden for url: x", IndexUnavailable, "access .403."),
        (MISSING.format("", "none"), LOG + "404 Client Error: Not Found for url: x", NotFoundError, "called demo"),
        (
            MISSING.format("", "none"),
            LOG.replace("503", "404").replace("5010", "40404") + "500 Server Error: it broke for url: x",
            IndexUnavailable,
            "h.example:40404 answered with an error .500.",
        ),
        (
            MISSING.format("", "none"),
            LOG + "connection error: [Errno 111] Connection refused - skipping",
            IndexUnavailable,
            "h.example:5010 cannot be reached: connection refused",
        ),
        (
            MISSING.format("", "none"),
            LOG + "Max retries exceeded (Caused by ResponseError('too many 500 error responses')) - skipping",
            IndexUnavailable,
            "answered with an error .500.",
        ),
        (
            MISSING.format("", "none"),
            "Skipping link: none of the wheel's tags (cp36-cp36m-win32) are compatible",
            NotFoundError,
            "no wheel for this Python",
        ),
        (MISSING.format("", "none"), "Skipping link: No sources permitted for demo", SourceForbidden, "only as source"),
        (
            "ERROR: no\n\nThe conflict is caused by:\n    left 1.0 depends on dep<2\n    right 1.0 depends on dep>=2\n",
            "",
            ResolveError,
            "left 1.0 depends on dep<2; right 1.0 depends on dep>=2",
        ),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n    demo: Expected sha256 0", "", IntegrityError, "demo"),
        ("OSError: [Errno 28] No space left on device", "", StoreError, "disk is full"),
        ("ERROR: something else", "", ResolveError, "pip could not do it: ERROR: something else"),
    ],
)
def test_a_failure_of_pip_is_told_by_its_cause(output, log, kind, said):
    error = words_pip.error(output, log, ["demo"])
    assert type(error) is kind
    assert_matches(error, said)


def test_a_page_of_uvs_cache_that_lists_nothing_is_asked_for_again(wheelhouse, resolve):
    wheelhouse.wheel("demo")
    with wheelhouse.index() as index:
        index.faults["/simple/demo"] = page(b"<!DOCTYPE html><html><body>Log in</body></html>")
        with pytest.raises(IndexUnavailable, match="page for demo lists no wheel"):
            resolve("demo", sources=index.sources())
        index.faults.clear()
        assert [pin.name for pin in resolve("demo", sources=index.sources()).pins] == ["demo"]


def page(body):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/html")
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
        return True

    return answer


@pytest.mark.parametrize("number", ["401", "403", "500", "503"])
def test_neither_a_port_nor_a_time_counts_as_an_answer(number):
    text = f"2026-11-20T11:05:33,{number} Could not fetch URL http://h.example:{number}/x: Connection refused"
    assert_matches(words.unavailable(text), "connection refused")


def test_the_word_of_a_server_cannot_write_to_the_terminal_or_show_a_login():
    error = words_uv.error(UNSOLVED + "Because \x1b[2J\x1b]0;title\x07http://me:secret@h.example/ said \u202eno", [])
    assert_matches(error, r"http://\*\*\*\*@h\.example/ said no")
    assert error.sentence.isprintable()


def test_an_endless_text_becomes_a_sentence():
    assert len(words.squeeze("word " * 10_000)) <= words.LONGEST


def test_names_versions_and_wheels_that_do_not_exist_are_told_apart(wheelhouse, resolve):
    wheelhouse.wheel("demo")
    wheelhouse.wheel("old", tag="cp36-cp36m-win32")
    wheelhouse.wheel("older", tag="cp36-cp36m-win32")
    wheelhouse.sdist("older", in_tree=True)
    wheelhouse.wheel("asker", requires=["absent-name"])
    with pytest.raises(NotFoundError, match="distribution called no-such-thing"):
        resolve("no-such-thing")
    with pytest.raises(NotFoundError, match="absent-name"):
        resolve("asker")
    with pytest.raises(NotFoundError, match=r"no index has demo==9"):
        resolve("demo==9")
    for name in ("old", "older"):
        with pytest.raises(NotFoundError, match=f"{name} has no wheel for this Python"):
            resolve(name)


def test_a_conflict_names_both_sides(wheelhouse, resolve):
    for version in ("1.0", "2.0"):
        wheelhouse.wheel("dep", version)
    wheelhouse.wheel("left", requires=["dep<2"])
    wheelhouse.wheel("right", requires=["dep>=2"])
    with pytest.raises(ResolveError) as refused:
        resolve("left", "right")
    assert "left" in refused.value.sentence
    assert "right" in refused.value.sentence


def test_an_index_where_nobody_listens_is_named_with_the_reason(resolve):
    host = f"127.0.0.1:{closed_port()}"
    with pytest.raises(IndexUnavailable, match=f"{host} cannot be reached: connection refused"):
        resolve("demo", sources=Sources(indexes=(f"http://{host}/simple",), implied=False))


@pytest.mark.parametrize(
    ("status", "said"), [(401, "refused the login"), (403, "refused access"), (500, "answered with an error")]
)
def test_an_index_that_answers_badly_is_named_with_the_answer(status, said, wheelhouse, resolve):
    wheelhouse.wheel("demo")
    with wheelhouse.index() as index:
        index.faults["/simple"] = status
        with pytest.raises(IndexUnavailable, match=said) as refused:
            resolve("demo", sources=index.sources())
    assert index.host in refused.value.sentence
    assert str(status) in refused.value.sentence


def assert_matches(error, said):
    assert error is not None
    with pytest.raises(type(error), match=said):
        raise error
