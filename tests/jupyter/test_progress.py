"""The line that moves, with a clock that the test turns."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest

from sessionpkgs.display import MIME, Result
from sessionpkgs.jupyter.progress import NotebookReporter, TerminalReporter
from sessionpkgs.jupyter.showing import Stage
from sessionpkgs.model import Package, Record

DONE = Result(
    Record(
        action="set", session="s", python="3.11.7", base="f", packages=(Package(name="rich", version="14.1"),)
    ).to_dict()
)


class Clock:
    """Seconds that pass when the test says so."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Screen(list[tuple[dict[str, object], str, bool]]):
    """Collects what is published, and shows what a front end would show."""

    def __call__(self, bundle, display_id, update):
        self.append((bundle, display_id, update))

    @property
    def plain(self):
        return [bundle["text/plain"] for bundle, _, _ in self]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def screen():
    return Screen()


@pytest.fixture
def reporter(screen, clock):
    return NotebookReporter(screen, clock=clock)


def test_a_reopened_declaration_publishes_its_result_and_nothing_else(reporter, screen, clock):
    reporter.step("looking up")
    clock.now += 0.004
    reporter.step("activating")
    reporter.done()
    reporter.finish(DONE)

    assert [(bundle, update) for bundle, _, update in screen] == [(DONE.bundle(), False)]


def test_a_phase_that_begins_late_is_shown(reporter, screen, clock):
    reporter.step("resolving")
    clock.now += 0.2
    reporter.step("installing 12 distributions")

    assert screen.plain == ["… installing 12 distributions, 0.2 s"]


def test_the_first_tick_shows_the_line(reporter, screen, clock):
    reporter.step("resolving")
    clock.now += 0.1
    reporter.tick()

    assert screen.plain == ["… resolving, 0.1 s"]


def test_a_tick_before_any_phase_has_words_too(reporter, screen):
    reporter.tick()

    assert screen.plain == ["… starting, 0.0 s"]


def test_everything_lands_in_one_output_that_ends_as_the_result(reporter, screen, clock):
    reporter.step("resolving")
    for _ in range(4):
        clock.now += 1
        reporter.tick()
    reporter.done()
    reporter.finish(DONE)

    assert len({display_id for _, display_id, _ in screen}) == 1
    assert [update for _, _, update in screen] == [False, True, True, True, True]
    assert MIME in screen[-1][0]


def test_two_reporters_never_share_an_output(screen, clock):
    NotebookReporter(screen, clock=clock).finish(DONE)
    NotebookReporter(screen, clock=clock).finish(DONE)

    assert screen[0][1] != screen[1][1]


def test_an_output_id_may_be_given(screen):
    NotebookReporter(screen, display_id="mine").finish(DONE)

    assert screen[0][1] == "mine"


@pytest.mark.parametrize("event", ["tick", "step"])
def test_no_second_sees_more_than_five_updates(reporter, screen, clock, event):
    times = []
    for number in range(400):
        clock.now += 0.01
        before = len(screen)
        reporter.tick() if event == "tick" else reporter.step(f"phase {number}")
        times += [clock.now] * (len(screen) - before)

    assert len(times) >= 12
    assert all(sum(start <= time < start + 0.999 for time in times) <= 5 for start in times)


def test_ticks_leave_room_for_a_new_phase(reporter, screen, clock):
    reporter.step("resolving")
    for _ in range(100):
        clock.now += 0.01
        reporter.tick()
    reporter.step("installing")

    assert "installing" in str(screen.plain[-1])


def test_a_phase_that_came_too_soon_is_shown_by_the_next_tick(reporter, screen, clock):
    reporter.tick()
    for number in range(9):
        reporter.step(f"phase {number}")
    assert "phase 8" not in str(screen.plain[-1])

    clock.now += 1
    reporter.tick()
    assert screen.plain[-1] == "… phase 8, 1.0 s"


def test_a_failure_takes_the_line_away_because_the_error_says_it_all(reporter, screen, clock):
    reporter.step("installing 3 distributions")
    clock.now += 2.5
    reporter.tick()
    reporter.failed()
    bundle, *where = screen[-1]

    assert where == [screen[0][1], True]
    assert bundle["text/plain"] == ""
    assert re.sub("<[^<>]*>", "", str(bundle["text/html"])) == ""


def test_a_failure_before_anything_was_shown_leaves_the_word_to_the_error(reporter, screen):
    reporter.step("reading")
    reporter.failed()

    assert screen == []


@pytest.mark.parametrize("end", ["finish", "failed"])
def test_nothing_moves_after_the_end(reporter, screen, clock, end):
    reporter.tick()
    reporter.finish(DONE) if end == "finish" else reporter.failed()
    before = list(screen)
    clock.now += 5
    reporter.tick()
    reporter.step("late")
    reporter.failed()

    assert screen == before


def test_the_bar_moves_with_the_clock_and_goes_at_the_end(reporter, screen, clock):
    reporter.tick()
    clock.now += 0.4
    reporter.tick()
    reporter.failed()
    html = [str(bundle["text/html"]) for bundle, _, _ in screen]

    assert "margin-left:0px" in html[0]
    assert "margin-left:34px" in html[1]
    assert "margin-left" not in html[2]


def test_markup_in_a_phase_stays_text(reporter, screen):
    reporter.step("building <img onerror=x>")
    reporter.tick()

    assert "<img" not in str(screen[0][0]["text/html"])


def test_without_a_kernel_every_phase_is_a_line_and_the_result_comes_last():
    stream = io.StringIO()
    reporter = TerminalReporter(stream)
    reporter.step("resolving")
    reporter.tick()
    reporter.step("installing\x1b[2J")
    reporter.done()
    reporter.finish(DONE)

    assert stream.getvalue() == f"resolving …\ninstalling [2J …\n{DONE.text}\n"


def test_without_a_kernel_a_failure_adds_nothing():
    stream = io.StringIO()
    reporter = TerminalReporter(stream)
    reporter.step("resolving")
    reporter.failed()

    assert stream.getvalue() == "resolving …\n"


def test_a_terminal_that_knows_only_ascii_still_gets_every_line():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    reporter = TerminalReporter(stream)
    reporter.step("resolving")
    reporter.finish(DONE)

    assert b"resolving" in raw.getvalue()
    assert b"rich" in raw.getvalue()


@pytest.mark.parametrize(
    ("lead", "said"), [("", "demo is in a: %pip <b> brings it"), ("Oh", "Oh: demo is in a: %pip <b> brings it")]
)
def test_a_sentence_in_a_terminal_has_neither_markup_nor_backquotes(capsys, lead, said):
    nothing: Any = None
    Stage(nothing, nothing).tell(lead, "demo is in a: `%pip <b>` brings it")

    assert capsys.readouterr().out == f"{said}\n"
