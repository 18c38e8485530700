"""One line, character by character, as a POSIX shell reads it: quotes, redirections, a pipeline, what is refused.

It tells an unquoted version condition from a file. It does not know what a requirement, a command or an option is.
"""

from __future__ import annotations

import re
from typing import NoReturn

from sessionpkgs.errors import SpecError

_BLANKS = " \t\r\f\v\xa0"
_STOPS = f"{_BLANKS}\n|&;<>()"
_CONTINUED = re.compile(r"\\(?:\r?\n|\Z)")
_COMMENT = re.compile(r"(?:^|(?<=[\s;]))#[^\n]*")
_HOME = re.compile(r"~(?=/|\s|$)")
VERSION = re.compile(r"[0-9][0-9A-Za-z.*+!_-]*(?:,(?:===?|[!~]=)?[0-9][0-9A-Za-z.*+!_-]*)*,?", re.ASCII)
"""What stands behind ``<`` or ``>`` and is a version, maybe with more conditions."""
_FILE = re.compile(r"\.(?:txt|log|out|err|in|csv|tsv|json|ya?ml|toml|md|html|lock|cfg|tmp|ipynb)$", re.IGNORECASE)
_REDIRECTION = re.compile(r"&>>|&>|<<|<|>>|>\||>&|>")
_VARIABLE = re.compile(r"\$([A-Z_][A-Z0-9_]*)", re.ASCII)
_MARKER = re.compile(r"\s*(?:python|sys|platform|os|implementation|extra)[a-z_]*\s*(?:[<>=!~]|in\b|not\b)")

_ONE = "Write each command on a line of its own."
_HINTS = {
    "||": "Leave it out: an install that fails fails the cell.",
    "&": "Leave it out: the cell waits until all is done.",
    "(": "Put the requirement in quotes.",
    ")": "Put the requirement in quotes.",
}


def refuse(sign: str, hint: str) -> NoReturn:
    """Raise a SpecError that names *sign*."""
    raise SpecError(f"the line holds {sign}, which only a shell understands.", hint=hint, item=sign)


def _unclosed() -> NoReturn:
    raise SpecError(
        "the line has a quotation mark that is not closed.", hint="Close it, or leave it out.", item="quotation mark"
    )


class Reading:
    """One pass over a line.

    ``words`` with whether they begin without a quote, ``commands`` of the pipeline behind them, ``quiet``: no output.
    """

    def __init__(self, line: str) -> None:
        self.words: list[tuple[str, bool]] = []
        self.commands: list[list[str]] = []
        self.quiet = False
        self._text, self._at = line.lstrip(), 0
        self._file, self._piped = "", ""

    @property
    def tail(self) -> str:
        """The redirection and the pipeline, as shell text; "" where nobody would see its output."""
        return "" if self.quiet else f"{self._file} {self._piped}".strip()

    def step(self) -> bool:
        """Take one word or operator; False at the end."""
        self._blanks()
        sign = self._text[self._at : self._at + 1]
        if not sign:
            return False
        if sign == "|" and not self._sees("||"):
            return self._pipeline()
        if sign in "<>" or self._sees("&>"):
            self._angle()
        elif sign in _STOPS:
            return self._end(sign)
        else:
            self._word()
        return True

    def _sees(self, sign: str) -> bool:
        return self._text.startswith(sign, self._at)

    def _blanks(self) -> None:
        """Go over blanks, continued line ends and a comment."""
        text = self._text
        while self._at < len(text):
            if text[self._at] in _BLANKS:
                self._at += 1
            elif found := _CONTINUED.match(text, self._at):
                self._at = found.end()
            elif text[self._at] == "#":
                self._at = text.find("\n", self._at) if "\n" in text[self._at :] else len(text)
            else:
                return

    def _end(self, sign: str) -> bool:
        """Accept ``;`` or a line end with nothing behind it; False.

        Raises:
            SpecError: another command, or a sign that only a shell knows.
        """
        rest = self._text[self._at + 1 :]
        if sign in ";\n" and not _COMMENT.sub("", rest).strip(f"{_BLANKS};\n"):
            self._at = len(self._text)
            return False
        if sign in "|&" and rest.startswith(sign):
            sign *= 2
        hint = _HINTS.get(sign, _ONE)
        if sign == ";" and _MARKER.match(rest):
            hint = "Put the requirement with its marker in quotes."
        refuse("a second line" if sign == "\n" else sign, hint)

    def _word(self) -> None:
        """Take a word, with the version conditions that follow it without a blank."""
        bare = self._text[self._at] not in "\"'\\"
        value = self._shell_word()
        if bare and value.isdigit() and self._text[self._at : self._at + 1] in {"<", ">"}:
            self._redirect(value)
            return
        while condition := self._condition():
            value += condition + ("" if self._stops() else self._shell_word())
        self.words.append((value, bare))

    def _stops(self) -> bool:
        return self._at >= len(self._text) or self._text[self._at] in _STOPS

    def _angle(self) -> None:
        """Take what begins with ``<``, ``>`` or ``&>`` behind a blank: a version condition or a redirection."""
        condition = self._condition()
        while more := condition and self._condition():
            condition += more
        if condition:
            self.words.append((condition, True))
        else:
            self._redirect("")

    def _condition(self) -> str:
        """Take a version condition; "", and nothing taken, where a redirection or something else stands."""
        start, sign = self._at, self._text[self._at : self._at + 1]
        if sign not in {"<", ">"} or self._text[start + 1 : start + 2] in {"<", ">", "&", "|", "("}:
            return ""
        exact = "=" if self._text[start + 1 : start + 2] == "=" else ""
        self._at += 1 + len(exact)
        self._blanks()
        target = "" if self._stops() else self._shell_word()
        if exact or target.startswith("{") or (VERSION.fullmatch(target) and not _FILE.search(target)):
            return f"{sign}{exact}{target}"
        self._at = start
        return ""

    def _redirect(self, stream: str) -> None:
        """Take a redirection; only where the output goes matters.

        Raises:
            SpecError: input from a file or a here-document, another stream, or no file.
        """
        found = _REDIRECTION.match(self._text, self._at)
        sign = found.group() if found else ""
        if sign == "<<":
            refuse(sign, "Write the requirements in the line, or put them in a file: -r FILE.")
        self._at += len(sign)
        self._blanks()
        start = self._at
        target = "" if self._stops() else self._shell_word()
        if sign == "<":
            refuse(sign, "Write -r FILE to read a file; put a version in quotes, such as 'numpy<2'.")
        if not target or stream not in {"", "1", "2"}:
            refuse(f"{stream}{sign}", "Write > FILE, or put a version in quotes, such as 'numpy>2'.")
        if stream != "2" and not (sign == ">&" and target in {"1", "2"}):
            self.quiet = target == "/dev/null" or (sign == ">&" and target == "-")
            arrow = ">>" if sign.endswith(">>") else ">"
            self._file = f"{arrow} {self._text[start : self._at]}"

    def _pipeline(self) -> bool:
        """Keep the pipeline as it is written, in words that ``/bin/sh`` knows; False, as it ends the line."""
        start = end = self._at
        while not self._over():
            if self._sees("|") and not self._sees("||"):
                self._spell("|&", "| ")
                self.commands.append([])
                self._at += 1
            elif found := _REDIRECTION.match(self._text, self._at):
                self._in_pipeline(found.group())
            elif self._text[self._at] in _STOPS:
                return self._end(self._text[self._at])
            else:
                self.commands[-1].append(self._shell_word())
            end = self._at
            self._piped = self._text[start:end]
        return False

    def _over(self) -> bool:
        """Whether nothing follows but blanks and a comment."""
        self._blanks()
        return self._at >= len(self._text)

    def _spell(self, sign: str, posix: str) -> None:
        """Write *posix*, of the same length, where *sign* of bash stands."""
        if self._sees(sign):
            self._text = self._text[: self._at] + posix + self._text[self._at + len(sign) :]

    def _in_pipeline(self, sign: str) -> None:
        """Go over a redirection inside the pipeline."""
        if sign == "<<":
            refuse(sign, _ONE)
        self._spell("&>", " >")
        self._at += len(sign)

    def _shell_word(self) -> str:
        """Take a word, quotes and backslashes undone."""
        parts: list[str] = []
        text = self._text
        if _HOME.match(text, self._at):
            parts.append("${HOME}")
            self._at += 1
        while not self._stops():
            sign = text[self._at]
            if sign == "'":
                parts.append(self._single())
            elif sign == '"':
                parts.append(self._double())
            elif _CONTINUED.match(text, self._at):
                break
            elif sign == "\\":
                parts.append(text[self._at + 1])
                self._at += 2
            else:
                parts.append(self._plain())
        return "".join(parts)

    def _plain(self) -> str:
        """Take one character, or a variable."""
        sign = self._text[self._at]
        if sign == "`" or self._sees("$("):
            refuse("`" if sign == "`" else "$(", "Write the value, or a notebook variable in braces: {name}.")
        if found := _VARIABLE.match(self._text, self._at):
            self._at = found.end()
            return f"${{{found[1]}}}"
        self._at += 1
        return sign

    def _single(self) -> str:
        """Take what stands in single quotes."""
        end = self._text.find("'", self._at + 1)
        if end < 0 or "\n" in self._text[self._at : end]:
            _unclosed()
        value = self._text[self._at + 1 : end]
        self._at = end + 1
        return value

    def _double(self) -> str:
        """Take what stands in double quotes, where a backslash protects four signs only."""
        parts: list[str] = []
        self._at += 1
        while not self._sees('"'):
            sign = self._text[self._at : self._at + 1]
            if sign in {"", "\n"}:
                _unclosed()
            if sign == "\\" and self._text[self._at + 1 : self._at + 2] in {"$", "`", '"', "\\"}:
                parts.append(self._text[self._at + 1])
                self._at += 2
            else:
                parts.append(self._plain())
        self._at += 1
        return "".join(parts)
