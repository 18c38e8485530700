"""The one error tree: every refusal of ``sessionpkgs`` is a sentence, a hint and an exit code.

SessionPkgsError                     1
  SpecError                          2    .where
  PolicyError                       10    .rule
    PythonPinned Protected IndexForbidden SourceForbidden
  IndexUnavailable                  11
  NotFoundError                     12
  ResolveError                      13
  IntegrityError                    14
  UnsafePackageError                15
  ConflictError                     16
  StoreError                        17
  DeadlineError                     18
  ActivationError                   19
  EngineMissing                     20

It does not know who raises, nor how a face shows the sentence; a notebook asks ``_render_traceback_`` (IPython's own
hook), the command line asks ``exit_code`` and ``to_dict``.
"""

from __future__ import annotations

import re
from typing import ClassVar

_CREDENTIALS = r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]{0,20}://)[^/\s'\"]{1,4000}@"
_QUERY = r"(?P<key>[?&][^=&\s#'\"]*(?:sig|tok|key|secret|pass|auth|cred|amz|sas)[^=&\s#'\"]*=)[^&\s#'\")\]]+"
_CONTROL = r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
_COLUMNS = 88
_LEAST = 6
"""Letters below which a password is not looked for in a text: it would stand in every second word."""
_TOKEN = 16
"""The same for what stands where a user's name does, which may be a token."""
_known: set[str] = set()
_BIDI = "[\u200e\u200f\u202a-\u202e\u2066-\u2069]"


def clean(text: str) -> str:
    """Give *text* without terminal control sequences, bidirectional overrides and credentials in URLs.

    Everything that came from a server, a package or a user's URL passes here before a person or a file sees it, so
    that a server that tells a login back (:func:`conceal`) tells nobody else. The patterns are compiled on first use: a
    kernel that never fails does not pay for them.
    """
    bare = without_tokens(re.sub(_BIDI, "", re.sub(_CONTROL, "", text)))
    bare = re.sub(_CREDENTIALS, r"\g<scheme>****@", bare)
    for secret in sorted(_known, key=len, reverse=True):
        bare = bare.replace(secret, "****")
    return bare


def conceal(place: str) -> None:
    """Have :func:`clean` mask the login that *place* (a URL, or a line with one) holds, wherever it appears from now on."""
    if "@" not in place or "://" not in place:
        return
    from urllib.parse import unquote

    for match in re.finditer(r"https?://([^/\s'\"@]*)@", place):
        user, _, password = match[1].partition(":")
        secret, least = (password, _LEAST) if password else (user, _TOKEN)
        _known.update(one for one in (secret, unquote(secret)) if len(one) >= least)


def without_tokens(text: str) -> str:
    """*text* with the values of what looks like a secret in the query of a URL masked (``?sig=****``)."""
    return re.sub(_QUERY, r"\g<key>****", text, flags=re.IGNORECASE) if "=" in text else text


def _broken(text: str, first: str, then: str) -> list[str]:
    """*text* as lines of at most _COLUMNS where its words allow; an option stays with its value, so both can be copied.

    What has lines already keeps them. *first* stands before the first line, *then* before the others.
    """
    import textwrap

    shape = textwrap.TextWrapper(
        width=_COLUMNS,
        subsequent_indent=then,
        break_long_words=False,
        break_on_hyphens=False,
        expand_tabs=False,
        replace_whitespace=False,
    )
    lines: list[str] = []
    for line in text.split("\n"):
        shape.initial_indent = then if lines else first
        lines += shape.wrap(re.sub(r"(?<=\s)(--[\w-]+) (?=\S)", r"\1\0", line)) or [""]
    return [line.replace("\0", " ") for line in lines]


class SessionPkgsError(RuntimeError):
    """A request that was refused or could not be carried out; nothing was changed.

    *sentence* names what, which item and why; *hint* says what to do; *item* is the requirement, path or name at fault.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, sentence: str, *, hint: str = "", item: str = "") -> None:
        self.sentence, self.hint, self.item = clean(sentence), clean(hint), clean(item)
        super().__init__(self.sentence)

    def _render_traceback_(self) -> list[str]:
        """Lines that IPython prints instead of a traceback, broken at blanks: notebooks break long lines anywhere."""
        told = _broken(f"{type(self).__name__}: {self.sentence}", "", "  ")
        return [*told, *(_broken(self.hint, "  → ", "    ") if self.hint else [])]

    def to_dict(self) -> dict[str, object]:
        """JSON-ready form: error, sentence, hint, item, exit_code."""
        return {
            "error": type(self).__name__,
            "sentence": self.sentence,
            "hint": self.hint,
            "item": self.item,
            "exit_code": self.exit_code,
        }


class SpecError(SessionPkgsError):
    """The declaration cannot be read; ``where`` says at which line or key."""

    exit_code = 2

    def __init__(self, sentence: str, *, where: str = "", hint: str = "", item: str = "") -> None:
        self.where = where
        super().__init__(f"{where}: {sentence}" if where else sentence, hint=hint, item=item)

    def to_dict(self) -> dict[str, object]:
        """JSON-ready form, with ``where``."""
        return {**super().to_dict(), "where": self.where}


class PolicyError(SessionPkgsError):
    """A rule forbids what was asked; ``rule`` names it, of an administrator's policy by its key."""

    exit_code = 10
    rule: str = "policy"

    def __init__(self, sentence: str, *, hint: str = "", item: str = "", rule: str = "") -> None:
        super().__init__(sentence, hint=hint, item=item)
        self.rule = rule or type(self).rule

    def to_dict(self) -> dict[str, object]:
        """JSON-ready form, with ``rule``."""
        return {**super().to_dict(), "rule": self.rule}


class PythonPinned(PolicyError):
    """The declaration asks for another Python than the one that runs."""

    rule = "python"


class Protected(PolicyError):
    """The declaration would change a distribution that a session may not change."""

    rule = "protected"


class IndexForbidden(PolicyError):
    """The declaration names, or is led to, a host that may not be used here."""

    rule = "index"


class SourceForbidden(PolicyError):
    """A distribution exists only as source and building it is not allowed."""

    rule = "wheels-only"


class IndexUnavailable(SessionPkgsError):
    """A package index could not be reached, refused the login or answered badly."""

    exit_code = 11


class NotFoundError(SessionPkgsError):
    """No index has the name, the version, or a wheel for this Python."""

    exit_code = 12


class ResolveError(SessionPkgsError):
    """No set of versions satisfies everything that was asked."""

    exit_code = 13


class IntegrityError(SessionPkgsError):
    """Bytes differ from what their hash or their RECORD promises."""

    exit_code = 14


class UnsafePackageError(SessionPkgsError):
    """A distribution holds an entry that must not reach a session."""

    exit_code = 15


class ConflictError(SessionPkgsError):
    """Two distributions claim one path, or base would no longer be consistent."""

    exit_code = 16


class StoreError(SessionPkgsError):
    """The store on disk cannot be used: space, permission, ownership or lock."""

    exit_code = 17


class DeadlineError(SessionPkgsError):
    """A wait took longer than it may."""

    exit_code = 18


class ActivationError(SessionPkgsError):
    """What was asked cannot take effect in this running Python."""

    exit_code = 19


class EngineMissing(SessionPkgsError):
    """The program or library that should do the work is not installed."""

    exit_code = 20
