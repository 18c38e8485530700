"""Locks that the operating system frees, and a store that nobody else can touch."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

import pytest

from sessionpkgs.errors import DeadlineError, StoreError
from sessionpkgs.store import Store
from sessionpkgs.store.locks import Flock

HOLD = """
import sys
from sessionpkgs.store.locks import Flock
lock = Flock(sys.argv[1])
print(lock.try_acquire(exclusive=sys.argv[2] == "exclusive"), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "lock")


@pytest.mark.parametrize(
    ("theirs", "ours", "free"),
    [("exclusive", True, False), ("exclusive", False, False), ("shared", True, False), ("shared", False, True)],
)
def test_one_may_hold_it_exclusively_or_many_share_it(path, start, theirs, ours, free):
    other = start(HOLD, path, theirs)
    assert other.stdout.readline() == "True\n"
    with Flock(path) as lock:
        assert lock.try_acquire(exclusive=ours) is free
        assert lock.held is free


def test_the_death_of_its_holder_frees_it(path, start):
    other = start(HOLD, path, "exclusive")
    assert other.stdout.readline() == "True\n"
    other.kill()
    other.wait()
    with Flock(path) as lock:
        assert lock.try_acquire(exclusive=True)


def test_two_objects_of_one_process_exclude_each_other(path):
    with Flock(path) as one, Flock(path) as other:
        assert one.try_acquire(exclusive=True)
        assert one.try_acquire(exclusive=True)
        assert not other.try_acquire(exclusive=True)
        one.release()
        one.release()
        assert other.try_acquire(exclusive=True)


def test_who_waits_hears_ticks_and_gets_it_when_it_is_given_back(path):
    ticked, holder, waiter = threading.Event(), Flock(path), Flock(path)
    holder.try_acquire(exclusive=True)

    def tick():
        ticked.set()

    thread = threading.Thread(target=waiter.acquire, kwargs={"exclusive": True, "deadline": 60.0, "tick": tick})
    thread.start()
    ticked.wait()
    assert thread.is_alive()
    holder.release()
    thread.join()
    assert waiter.held
    waiter.release()


def test_a_wait_ends_at_its_deadline(path):
    with Flock(path) as holder, Flock(path) as waiter:
        holder.try_acquire(exclusive=True)
        with pytest.raises(DeadlineError, match="another session kept lock locked"):
            waiter.acquire(exclusive=True, deadline=0.0)


def test_an_interrupt_while_waiting_leaves_nothing_open(path):
    with Flock(path) as holder, Flock(path) as waiter:
        holder.try_acquire(exclusive=True)
        with pytest.raises(KeyboardInterrupt):
            waiter.acquire(exclusive=True, deadline=60.0, tick=_interrupt)
        assert not waiter.held


def _interrupt():
    raise KeyboardInterrupt


def test_a_lock_whose_file_was_removed_a_moment_ago_is_taken_on_the_file_that_has_the_name(path):
    class Late(Flock):
        removed = 0

        def _lock(self, *, exclusive):
            taken = super()._lock(exclusive=exclusive)
            if not Late.removed:  # it was open here already when its holder removed it
                Late.removed += 1
                Path(path).unlink()
            return taken

    with Late(path) as late, Flock(path) as other:
        assert late.try_acquire(exclusive=True)
        assert (Late.removed, late.still()) == (1, True)
        assert not other.try_acquire(exclusive=True)


def test_who_removes_a_lock_gives_it_back_and_knows_when_another_did(path):
    with Flock(path) as one, Flock(path) as other:
        assert one.try_acquire(exclusive=True)
        one.remove()
        assert (one.held, Path(path).exists()) == (False, False)
        assert other.try_acquire(exclusive=False)
        Path(path).unlink()
        assert (other.held, other.still()) == (True, False)


def test_a_lock_that_is_a_link_is_refused(path, tmp_path):
    (tmp_path / "elsewhere").write_text("precious")
    Path(path).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="cannot be opened"):
        Flock(path).try_acquire(exclusive=True)
    assert (tmp_path / "elsewhere").read_text() == "precious"


def test_a_lock_in_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(StoreError, match="absent/lock"):
        Flock(str(tmp_path / "absent" / "lock")).try_acquire(exclusive=False)


def test_the_file_is_private_and_stays(path):
    with Flock(path) as lock:
        lock.try_acquire(exclusive=True)
    assert Path(path).stat().st_mode & 0o777 == 0o600


def test_a_program_that_is_started_does_not_inherit_it(path, start):
    with Flock(path) as lock:
        lock.try_acquire(exclusive=True)
        child = start("import sys; print(1, flush=True); sys.stdin.read()")
        child.stdout.readline()
    with Flock(path) as again:
        assert again.try_acquire(exclusive=True)


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (lambda root: (root.mkdir(), root.chmod(0o770)), "only you can write to"),
        (lambda root: (root.mkdir(), root.chmod(0o707)), "only you can write to"),
        (lambda root: (root.mkdir(0o700), root.parent.chmod(0o777)), "which other users can write to"),
        (lambda root: root.symlink_to(root.parent.parent), "not a folder of yours"),
        (lambda root: root.write_text(""), "cannot be made"),
        pytest.param(
            lambda root: root.mkdir(0o700) or shutil.chown(root, 65534),
            "not a folder of yours",
            marks=pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user"),
        ),
    ],
    ids=["group", "others", "parent", "link", "file", "owner"],
)
def test_a_store_that_somebody_else_could_change_is_refused(home, plant, said):
    plant(home / "store")
    before = sorted(home.rglob("*"))
    with pytest.raises(StoreError, match=said):
        Store(str(home / "store")).prepare()
    assert sorted(home.rglob("*")) == before
