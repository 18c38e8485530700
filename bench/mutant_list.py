"""Mutants: ways to break a promise by changing one place of the code, each with the test that must then turn red.

It only knows texts. ``mutants.py`` runs them, ``crowd.py`` takes one for its control, and ``tests/test_mutants.py``
keeps the list true to the code.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Mutant(NamedTuple):
    """One change: *old*, which stands once in *file* of the package, becomes *new*; *test* is a node id of pytest."""

    name: str
    promise: str
    file: str
    old: str
    new: str
    test: str

    @property
    def path(self) -> str:
        """The file in the checkout."""
        return f"sessionpkgs/{self.file}"

    def count(self, checkout: Path) -> int:
        """How often the old text stands in the file; 0 where there is no such file."""
        file = checkout / self.path
        return file.read_text(encoding="utf-8").count(self.old) if file.is_file() else 0

    def apply(self, checkout: Path) -> None:
        """Make the change below *checkout*. Raises ValueError where the old text does not stand there exactly once."""
        if self.count(checkout) != 1:
            raise ValueError(f"{self.name}: {self.old!r} stands {self.count(checkout)} times in {self.path}")
        file = checkout / self.path
        file.write_text(file.read_text(encoding="utf-8").replace(self.old, self.new), encoding="utf-8")


STORE, COLLECTING, INGEST = "tests/test_store.py", "tests/test_collecting.py", "tests/test_ingest.py"
PROMISES, CONTRACT, SESSION = "tests/test_promises.py", "tests/engines/test_contract.py", "tests/test_session.py"

MUTANTS = [
    # -- what is in use stays, what is half-done is not seen
    Mutant("drop-lease", "a layer in use is not collected", "store/collecting.py",
           "if not lease.try_acquire(exclusive=True):", "if False:",
           f"{COLLECTING}::test_the_session_of_another_process_is_in_use_until_it_dies"),
    Mutant("drop-claim", "a layer is held from the moment it is looked for", "session/straight.py",
           "self.claims.append(self.store.claim(shared.digest))", "pass",
           f"{PROMISES}::test_a_layer_is_held_from_before_it_is_there_until_it_is_leased"),
    Mutant("drop-session-lock", "the folder of a living session stays", "store/collecting.py",
           "if not lock.try_acquire(exclusive=True):", "if False:",
           f"{COLLECTING}::test_the_session_of_another_process_is_in_use_until_it_dies"),
    Mutant("collect-while-building", "distributions that a build has just brought are not collected", "store/collecting.py",
           "lock.acquire(exclusive=True, deadline=_DEADLINE)\n        used", "pass\n        used",
           f"{PROMISES}::test_what_a_build_has_brought_is_not_collected_before_its_layer_is_there"),
    Mutant("collect-in-place", "what is removed leaves its place by one rename", "store/collecting.py",
           'layers.discard(store, "layers", digest)', 'shutil.rmtree(store.path("layers", digest))',
           f"{PROMISES}::test_at_every_step_of_building_and_collecting_all_that_is_visible_is_whole"),
    Mutant("drop-lock", "sessions that ask for the same cause one install", "store/__init__.py",
           "if not lock.try_acquire(exclusive=True):", "if not lock.try_acquire(exclusive=False):",
           f"{STORE}::test_who_waits_for_another_process_gets_its_layer"),
    Mutant("waiting-untold", "who waits for another session is told so", "store/__init__.py",
           'heard.step(f"waiting for', '(f"waiting for',
           f"{STORE}::test_who_waits_for_another_process_gets_its_layer"),
    Mutant("write-in-place", "a distribution appears by one rename", "store/layers.py",
           'os.path.join(stage, "dists", named[', 'os.path.join(store.root, "dists", named[',
           f"{PROMISES}::test_at_every_step_of_building_and_collecting_all_that_is_visible_is_whole"),
    Mutant("layer-in-place", "a layer appears by one rename", "store/layers.py",
           "os.rename(made, final)\n    step(", '__import__("shutil").copytree(made, final, symlinks=True)\n    step(',
           f"{PROMISES}::test_at_every_step_of_building_and_collecting_all_that_is_visible_is_whole"),
    Mutant("sweep-the-living", "the stage of a living session stays", "store/__init__.py",
           "if lock.try_acquire(exclusive=True):", "if lock:",
           f"{STORE}::test_the_stage_of_a_killed_process_is_swept_and_that_of_a_living_one_is_not"),
    Mutant("stage-unlocked", "a stage is locked before it is there", "store/__init__.py",
           "lock.acquire(exclusive=True, deadline=1.0)", "pass",
           f"{STORE}::test_the_stage_of_a_killed_process_is_swept_and_that_of_a_living_one_is_not"),
    Mutant("boot-trusted", "after a reboot a distribution is verified before it is used", "store/layers.py",
           'if told.get("boot") == boot_id() or', "if True or",
           f"{PROMISES}::test_after_a_reboot_a_new_layer_does_not_take_over_a_damaged_distribution"),
    Mutant("reopened-unverified", "after a reboot a layer is verified before it is reopened", "store/__init__.py",
           "true = layers.recheck(self, digest)", "true = True",
           f"{SESSION}::test_a_layer_from_before_a_reboot_is_verified_once_and_rebuilt_when_it_is_torn"),
    Mutant("reopened-blind", "an answer whose layer is gone is not reopened", "session/reopen.py",
           "if layer and not (", "if not known and not (",
           f"{PROMISES}::test_an_answer_whose_layer_is_gone_is_not_even_tried"),
    Mutant("torn-journal", "a line that a dead kernel left unfinished harms no other", "journal.py",
           "torn = size and", "torn = False and",
           f"{SESSION}::test_a_line_that_a_dead_kernel_left_unfinished_harms_no_other"),
    Mutant("same-identity", "two processes never share one session", "session/life.py",
           "if not self._lock.try_acquire(exclusive=True):", "if False:",
           f"{SESSION}::test_a_second_process_with_the_same_identity_is_refused"),
    Mutant("foreign-store", "a store that another user could have planted is refused", "store/__init__.py",
           "if not stat.S_ISDIR(status.st_mode) or", "if False and",
           "tests/test_locks.py::test_a_store_that_somebody_else_could_change_is_refused"),
    Mutant("lock-follows-links", "a lock that is a link to elsewhere is refused", "store/locks.py",
           " | os.O_NOFOLLOW", "",
           "tests/test_locks.py::test_a_lock_that_is_a_link_is_refused"),
    Mutant("lock-of-a-removed-file", "a lock whose file was removed a moment ago is not taken for the lock", "store/locks.py",
           "if self._named():", "if True:",
           "tests/test_locks.py::test_a_lock_whose_file_was_removed_a_moment_ago_is_taken_on_the_file_that_has_the_name"),
    Mutant("stolen-folder", "a session whose folder was taken away says so", "session/life.py",
           "if not self._lock.still():", "if False:",
           f"{PROMISES}::test_a_session_whose_folder_was_taken_away_says_so"),
    Mutant("clock-decides", "whatever the clock was, all that is unused can be collected", "store/collecting.py",
           "if days > 0 else math.inf", "if days >= 0 else math.inf",
           f"{COLLECTING}::test_times_decide_nothing_about_what_is_in_use"),
    Mutant("answer-of-tomorrow", "an answer that a wrong clock gave is asked for again", "session/reopen.py",
           'known["since"] <= time.time() <=', "time.time() <=",
           f"{PROMISES}::test_an_answer_from_a_time_to_come_is_asked_for_again"),
    # -- bytes are what they say
    Mutant("skip-record", "every byte is what its RECORD says", "store/ingest.py",
           "if expected and base64", "if False and base64",
           f"{INGEST}::test_a_record_that_lies_is_refused"),
    Mutant("unlisted-files", "a file that no RECORD lists is refused", "store/ingest.py",
           "if extra := sorted(present - set(owners)):", "if extra := []:",
           f"{STORE}::test_what_an_engine_did_not_install_faithfully_never_appears"),
    Mutant("startswith-containment", "no path in a RECORD leaves the folder", "store/ingest.py",
           'or ".." in parts or "" in parts', 'or inner.startswith("..") or "" in parts',
           f"{INGEST}::test_a_record_that_lies_is_refused"),
    Mutant("startswith-entries", "no entry of a wheel leaves the folder", "store/caps.py",
           'return ".." in parts or', 'return path.startswith("..") or',
           f"{PROMISES}::test_a_path_that_leaves_its_folder_is_seen_in_any_form"),
    Mutant("writable", "files of a layer are read-only, though an engine's cache shares their bytes", "store/ingest.py",
           "if read_only and stat.S_IMODE", "if False and stat.S_IMODE",
           f"{INGEST}::test_what_a_record_promises_passes_and_becomes_read_only"),
    Mutant("users-cache", "nothing of ours shares its bytes with the user's own cache", "engines/uv.py",
           '"UV_CACHE_DIR": str(Path(room.cache, "uv")),', "",
           f"{PROMISES}::test_a_declaration_leaves_the_users_own_folders_alone"),
    Mutant("kernel-replaced", "no distribution brings a part of the kernel or sitecustomize", "store/ingest.py",
           "if module in _RESERVED and", "if False and",
           f"{INGEST}::test_a_part_of_the_kernel_is_not_replaced"),
    Mutant("collision-in-one-install", "two owners of one path with different bytes are refused", "store/ingest.py",
           "if others and others[0].rows[path][0] != hashed:", "if False:",
           f"{INGEST}::test_two_owners_of_a_path_with_different_bytes_are_both_named"),
    Mutant("collision-across-installs", "so are two that were installed one after the other", "store/farm.py",
           "if not _same(paths[0], other):", "if False:",
           f"{STORE}::test_two_distributions_that_bring_one_path_with_different_bytes_are_refused_across_installs"),
    Mutant("reserved-scripts", "no script stands before python, pip or sh on PATH", "store/farm.py",
           "if RESERVED_SCRIPTS.match(name):", "if False:",
           "tests/test_farm.py::test_a_reserved_name_is_left_out_and_said"),
    Mutant("script-that-climbs", "an entry point cannot name a file outside the folder of scripts", "store/caps.py",
           'and (set(name) & set("/\\\\\\0") or name == "..")', "and False",
           f"{PROMISES}::test_an_entry_point_that_names_a_folder_is_refused"),
    Mutant("pinned-hash-uv", "uv installs the file whose hash was chosen", "engines/uv.py",
           "write_private(pins, engine", 'write_private(tuple(replace(p, sha256="") for p in pins), engine',
           f"{CONTRACT}::test_a_file_that_changed_after_the_choice_is_not_installed[uv]"),
    Mutant(
        "pinned-hash-pip", "pip installs the file whose hash was chosen", "engines/pip.py",
        "hashed = any(pin.sha256 for pin in pins)",
        'hashed, pins = False, tuple(__import__("dataclasses").replace(pin, sha256="") for pin in pins)',
        f"{CONTRACT}::test_a_file_that_changed_after_the_choice_is_not_installed[pip]",
    ),
    Mutant("users-hash", "a hash that the user wrote is kept to", "engines/wheels.py",
           "if not allowed or any(", "if True or any(",
           f"{CONTRACT}::test_a_hash_that_was_written_is_kept_to"),
    # -- engines are fenced in
    Mutant("drop-deadline", "a program that does not end is ended with all it started", "process.py",
           "if time.monotonic() > until:", "if False:",
           "tests/test_process.py::test_at_the_deadline_a_program_ends_with_its_children"),
    Mutant("lock-deadline", "the wait for a lock ends", "store/locks.py",
           "if time.monotonic() > until:", "if False:",
           "tests/test_locks.py::test_a_wait_ends_at_its_deadline"),
    Mutant("orphans", "a program dies with the process that ran it", "process.py",
           "( read -r _ <&3; kill -KILL 0 )", "( read -r _ <&3 )",
           "tests/test_process.py::test_a_program_and_what_it_started_die_with_the_process_that_ran_it"),
    Mutant("inherit-environment", "an engine sees an allow-list of variables", "engines/surroundings.py",
           ' if name in _KEEP or name.startswith("LC_")', "",
           f"{CONTRACT}::test_nothing_of_the_machines_configuration_reaches_an_engine"),
    Mutant("login-in-argv", "no login stands in the arguments of a program", "engines/pip.py",
           'argv += ["--no-input"', 'argv += ["--index-url", *request.sources.indexes[:1], "--no-input"',
           f"{CONTRACT}::test_a_password_travels_to_the_index_and_nowhere_else[pip]"),
    Mutant("build-by-uv", "uv builds nothing that was not asked for", "engines/uv.py",
           '["--only-binary", ":all:", *(part', "[*(part",
           f"{CONTRACT}::test_build_code_does_not_run_where_it_may_not"),
    Mutant("build-by-pip", "pip builds nothing that was not asked for", "engines/pip.py",
           '["--only-binary", ":all:", *(part', "[*(part",
           f"{CONTRACT}::test_build_code_does_not_run_where_it_may_not"),
    Mutant("best-of-all-indexes", "the first index that has a name wins", "engines/surroundings.py",
           '"first-index"', '"unsafe-best-match"',
           "tests/test_two_indexes.py::test_the_first_index_that_has_a_name_wins_whatever_the_other_has"),
    Mutant("best-of-all-by-pip", "so it is with pip, which takes the best version of all", "engines/pip.py",
           "if surroundings.is_single(request.sources)",
           'if env.update({"PIP_EXTRA_INDEX_URL": " ".join(request.sources.indexes[1:])}) is None',
           "tests/test_two_indexes.py::test_the_first_index_that_has_a_name_wins_whatever_the_other_has"),
    Mutant("echoed-login", "a login that a server tells back is masked", "errors.py",
           'bare = bare.replace(secret, "****")', "pass",
           "tests/test_secrets.py::test_a_server_that_tells_the_login_back_does_not_bring_it_into_a_sentence"),
    Mutant("restart-needless", "Python restarts only where a loaded module stands in the way", "jupyter/showing.py",
           "if waiting.known:", "if True:",
           "tests/test_restart.py::test_what_nothing_stands_in_the_way_of_needs_no_restart"),
    Mutant("restart-forgets", "messages that wait are carried over a restart", "jupyter/restart/leaving.py",
           "self._queue.append(", "list(",
           "tests/test_restart.py::test_cells_that_were_sent_at_once_run_in_order_across_restarts"),
    Mutant("fence-open", "engines reach the declared hosts and no other", "engines/fence.py",
           "return runner if hosts.everywhere else", "return runner if True else",
           "tests/engines/test_fence.py::test_both_engines_go_where_they_are_allowed_to_and_nowhere_else"),
    Mutant("endswith-host", "evilexample.org is not example.org", "engines/fence.py",
           'name.endswith(f".{host}")', "name.endswith(host)",
           "tests/engines/test_fence.py::test_a_host_and_what_is_below_it_may_be_reached_and_nothing_else"),
    Mutant("bomb-of-an-index", "an engine that writes more than its wheels may is stopped", "store/bounds.py",
           "watch=self.judge", "watch=None",
           "tests/test_bounds.py::test_a_program_that_writes_more_than_its_wheels_may_is_stopped"),
    Mutant("hidden-place", "a wheel cannot send pip to a place that nobody named", "engines/pip.py",
           '_refuse_hidden_places(report["install"], request)', "pass",
           "tests/test_hostile.py::test_a_place_that_a_wheel_names_itself_is_refused[pip]"),
    # -- rules, secrets, and what the user's Python becomes
    Mutant("protected-choice", "no choice of an engine brings a protected distribution", "policy.py",
           "if pin.name in PROTECTED:", "if False:",
           "tests/test_policy.py::test_a_choice_that_brings_a_protected_one_is_refused_with_the_chain_that_asked"),
    Mutant("protected-wish", "a wish for a protected distribution is refused before an index is asked", "session/straight.py",
           "policy.check_spec(spec, self.view)", "pass",
           f"{PROMISES}::test_a_wish_for_a_protected_distribution_is_refused_before_an_index_is_asked"),
    Mutant("some-hashes", "with hashes, all or none", "session/straight.py",
           "policy.check_hashes(lock, spec)", "pass",
           f"{PROMISES}::test_what_would_come_without_a_hash_beside_one_with_a_hash_is_refused"),
    Mutant("drop-redaction", "no login in a URL reaches a person or a file", "errors.py",
           r're.sub(_CREDENTIALS, r"\g<scheme>****@", bare)', "bare",
           "tests/test_errors.py::test_what_could_deceive_or_betray_is_taken_out"),
    Mutant("login-told-back", "no login that a server tells back reaches anyone", "errors.py",
           'bare = bare.replace(secret, "****")', "pass",
           f"{PROMISES}::test_a_login_that_a_server_tells_back_reaches_nobody"),
    Mutant("token-kept", "no token in a URL stays in the store", "store/layers.py",
           '"url": clean(pin.url)', '"url": pin.url',
           f"{SESSION}::test_a_token_in_a_url_reaches_no_record_no_journal_and_no_resolution"),
    Mutant("prepend-path", "layers stand behind the standard library", "overlay/__init__.py",
           "at = position(sys.path)", "at = 0",
           "tests/test_overlay.py::test_layers_stand_after_the_standard_library_and_before_the_first_site_packages"),
    Mutant("hidden-program", "no script of a session hides a program of the machine", "session/activation.py",
           "hidden = sorted(name for name in names if shutil.which(name, path=path))", "hidden: list[str] = []",
           f"{PROMISES}::test_a_script_hides_no_program_of_the_machine"),
    Mutant("half-activated", "an activation that fails leaves what was active before", "overlay/__init__.py",
           "if before:", "if False:",
           "tests/test_overlay.py::test_an_activation_that_fails_leaves_what_was_active_before"),
    Mutant("environment-kept", "a reset gives the environment back", "overlay/__init__.py",
           "_give_back(name, old, ours)\n", "pass\n",
           "tests/test_overlay.py::test_deactivation_gives_paths_finders_and_environment_back_exactly"),
    Mutant("path-file-runs", "a line of code in a .pth file is named and not run", "overlay/pth.py",
           'elif line.startswith(("import ", "import\\t")):', 'elif line.startswith(("import ", "import\\t")) and exec(line):',
           "tests/test_overlay.py::test_path_lines_and_finders_of_pth_files_count_and_other_code_is_only_named"),
    Mutant("stale-fingerprint", "a changed base is noticed", "fingerprint.py",
           '("/RECORD", "/METADATA")', "()",
           "tests/test_installed.py::test_every_change_of_what_is_installed_changes_the_fingerprint"),
]  # fmt: skip
