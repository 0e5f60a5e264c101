"""Changes are made one at a time, in their own thread; a bad one changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from appliance.config.load import LoadedConfig, changed, load_located
from appliance.config.scenes import in_use
from appliance.config.settings import Settings
from appliance.config.status import ConfigState
from appliance.config.tree import Mistake, Origin
from appliance.daemon.apply import NotApplied
from appliance.daemon.changes import GONE, Reloader
from appliance.errors import ConfigError
from appliance.system.file_identity import identity

LIMIT_S = 20.0


class Applies:
    """A daemon that accepts what it is given, or stalls, or refuses."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.applied: list[Settings] = []
        self.error: Exception | None = None
        self.go = threading.Event()
        self.go.set()
        self.busy = threading.Event()
        self.read_again = False
        self.dissolve = 0

    def apply(
        self, settings: Settings, *, read_again: bool = False, dissolve: int = 0
    ) -> frozenset[str]:
        """Like the daemon's."""
        self.read_again, self.dissolve = read_again, dissolve
        self.busy.set()
        assert self.go.wait(LIMIT_S)
        if self.error is not None:
            raise self.error
        sections = changed(self.settings, settings)
        self.settings = settings
        self.applied.append(settings)
        return sections


@contextmanager
def reloading(path: Path | None, **options: object) -> Iterator[tuple[Reloader, Applies]]:
    """A reloader for ``path`` over a stand-in daemon."""
    loaded = load_located(path)
    daemon = Applies(in_use(loaded.settings))

    def load() -> LoadedConfig:
        return load_located(path)

    reloader = Reloader(daemon, load, loaded, **options)  # type: ignore[arg-type]
    reloader.start()
    try:
        yield reloader, daemon
    finally:
        daemon.go.set()
        assert reloader.stop(LIMIT_S)


def until(what: Callable[[], bool]) -> None:
    """Wait for a condition."""
    moment = threading.Event()
    for _ in range(int(LIMIT_S * 100)):
        if what():
            return
        moment.wait(0.01)
    raise AssertionError(f"not within {LIMIT_S} s")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good file."""
    made = tmp_path / "config.yaml"
    made.write_text("steady: {strength: 0.5}\n")
    return made


def test_a_bad_file_keeps_the_last_good_settings_and_is_told_with_its_place(path: Path) -> None:
    with reloading(path) as (reloader, daemon):
        path.write_text("# mine\nsteady: {strength: 7}\n")
        refusal = reloader.ask().result(LIMIT_S).refusal
        assert refusal is not None
        [mistake] = refusal.mistakes
        assert (mistake.origin.label, mistake.origin.line) == (str(path), 2)
        assert mistake.key == "steady.strength"
        assert "found 7; expected a number from 0 up to, not including, 1" in refusal.reason
        now = reloader.state.status()
        assert (now.refusal, now.applied, now.refused, now.busy) == (refusal, 1, 1, False)
        assert not daemon.applied
        path.write_text("steady: {strength: 0.7}\n")
        outcome = reloader.ask().result(LIMIT_S)
        assert outcome.changed == {"steady"}
        assert daemon.read_again
        now = reloader.state.status()
        assert (now.refusal, now.applied, now.refused) == (None, 2, 1)
        assert now.applied_at >= refusal.since
        assert daemon.settings.steady.strength == 0.7


def test_what_cannot_be_used_is_told_with_the_place_of_its_key(path: Path) -> None:
    with reloading(path) as (reloader, daemon):
        path.write_text("roi: {}\nbackground:\n  uri: colour:#ffffff\n")
        daemon.error = NotApplied("background.uri", "it is no picture; name another")
        refusal = reloader.ask().result(LIMIT_S).refusal
        assert refusal is not None
        assert refusal.reason == f"{path}:3:8: background.uri: it is no picture; name another"


def test_an_unforeseen_failure_is_a_refusal_and_the_thread_goes_on(path: Path) -> None:
    with reloading(path) as (reloader, daemon):
        daemon.error = OSError(24, "Too many open files")
        refusal = reloader.ask().result(LIMIT_S).refusal
        assert refusal is not None
        assert "Too many open files" in refusal.reason
        assert refusal.reason.startswith(f"{path}: ")
        daemon.error = None
        assert reloader.ask().result(LIMIT_S).refusal is None


def test_a_saved_file_is_taken_without_asking(path: Path) -> None:
    with reloading(path) as (_, daemon):
        path.write_text("steady: {strength: 0.75}\n")
        until(lambda: daemon.settings.steady.strength == 0.75)


def test_a_file_that_is_deleted_is_told_and_taken_back_when_it_returns(path: Path) -> None:
    with capture_logs() as logs, reloading(path) as (reloader, daemon):
        away = path.rename(path.with_suffix(".away"))
        until(lambda: reloader.state.status().refusal is not None)
        refusal = reloader.state.status().refusal
        assert refusal is not None
        assert refusal.reason == f"{path}: {GONE}"
        assert daemon.settings.steady.strength == 0.5
        assert not daemon.applied
        away.rename(path)  # the very same file
        until(lambda: reloader.state.status().refusal is None)
    told = [line for line in logs if line["log_level"] == "warning"]
    assert [(line["event"], line["path"]) for line in told] == [
        ("the configuration file is gone", str(path))
    ]


def test_all_who_ask_while_one_is_being_made_get_one_more(path: Path) -> None:
    with reloading(path) as (reloader, daemon):
        daemon.go.clear()
        first = reloader.ask()
        assert daemon.busy.wait(LIMIT_S)
        assert reloader.state.status().busy
        path.write_text("steady: {strength: 0.6}\n")
        later = [reloader.ask() for _ in range(50)]
        daemon.go.set()
        assert first.result(LIMIT_S).changed == frozenset()
        assert {future.result(LIMIT_S).changed for future in later} == {frozenset({"steady"})}
        assert len(daemon.applied) == 2


def test_other_changes_wait_their_turn_and_the_last_one_wins(path: Path) -> None:
    def softness(value: float) -> Callable[[Settings], Settings]:
        return lambda now: now.model_copy(
            update={"edge": now.edge.model_copy(update={"softness": value})}
        )

    with reloading(path) as (reloader, daemon):
        assert reloader.change(softness(0.25), LIMIT_S).changed == {"edge"}
        assert daemon.settings.edge.softness == 0.25
        # The file says something else, and its reload is requested last.
        assert reloader.ask().result(LIMIT_S).changed == {"edge"}
        assert daemon.settings.edge.softness == Settings().edge.softness

        def wrong(_: Settings) -> Settings:
            raise ConfigError("edge.softness: found 2")

        refusal = reloader.change(wrong, LIMIT_S).refusal
        assert refusal is not None
        assert "found 2" in refusal.reason
        # The file is not to blame.
        assert reloader.state.status().refusal is None


def test_what_comes_too_late_is_not_made_and_what_is_too_much_is_refused(path: Path) -> None:
    with reloading(path) as (reloader, daemon):
        daemon.go.clear()
        reloader.ask()
        assert daemon.busy.wait(LIMIT_S)
        made: list[int] = []

        def change(now: Settings) -> Settings:
            made.append(1)
            return now

        with pytest.raises(TimeoutError, match="nothing was changed"):
            reloader.change(change, 0.01)
        waiting = [
            threading.Thread(target=reloader.change, args=(change, LIMIT_S)) for _ in range(7)
        ]
        for thread in waiting:
            thread.start()
        until(lambda: len(reloader._jobs) == 8)
        with pytest.raises(ConfigError, match="try again"):
            reloader.change(change, LIMIT_S)
        daemon.go.set()
        for thread in waiting:
            thread.join(LIMIT_S)
        assert len(made) == 7


def test_the_end_does_not_wait_for_a_change_and_whoever_waits_is_told(path: Path) -> None:
    with reloading(path) as (reloader, daemon):
        daemon.go.clear()
        reloader.ask()
        assert daemon.busy.wait(LIMIT_S)
        waiting = reloader.ask()
        with pytest.raises(TimeoutError, match="nothing was changed"):
            reloader.change(lambda now: now, 0.01)  # has given up before the end
        assert not reloader.stop(timeout=0.0)
        refusal = waiting.result(LIMIT_S).refusal
        assert refusal is not None
        assert "stopping" in refusal.reason
        after = reloader.ask().result(LIMIT_S).refusal
        assert after is not None


def test_whoever_must_know_is_told_of_what_was_taken_over(path: Path) -> None:
    told: list[Settings] = []
    with reloading(path, taken_over=told.append) as (reloader, _):
        reloader.ask().result(LIMIT_S)
        assert not told
        path.write_text("log: {level: debug}\n")
        reloader.ask().result(LIMIT_S)
        assert [settings.log.level for settings in told] == ["debug"]


def test_without_a_file_there_is_nothing_to_look_at_but_one_may_ask() -> None:
    with reloading(None) as (reloader, _):
        assert reloader.ask().result(LIMIT_S).refusal is None
        assert reloader.state.status().path is None


def test_the_state_is_of_one_moment() -> None:
    times = iter([10.0, 20.0, 30.0])
    state = ConfigState("config.yaml", lambda: next(times))
    before = state.status()
    state.begin()
    state.refuse((Mistake(Origin("config.yaml", 3, 1), "roi", "is wrong"),))
    state.begin()
    assert state.status().busy
    state.applied(changed=True, from_file=False)
    assert (before.applied_at, before.applied, before.refusal) == (10.0, 1, None)
    now = state.status()
    # Somebody else's change does not make the file valid.
    assert now.refusal is not None
    assert (now.refusal.since, now.refusal.reason) == (20.0, "config.yaml:3:1: roi: is wrong")
    assert (now.applied_at, now.applied, now.busy) == (30.0, 2, False)


SECURED = (
    "steady: {strength: 0.5}\nrtsp:\n  user: me\n  password: long enough\n"
    "http:\n  token: as long as this\n  port: 0\nlog:\n  level: debug\n"
)


def secrets(daemon: Applies) -> tuple[bool, bool]:
    """Whether readers need the password, and visitors the token."""
    return bool(daemon.settings.rtsp.password), bool(daemon.settings.http.token)


def refused(reloader: Reloader, *, asked: bool) -> str:
    """Why the file is refused, which somebody asks for, or which is found out by itself."""
    before = reloader.state.status().refused
    if asked:
        refusal = reloader.ask().result(LIMIT_S).refusal
    else:
        until(lambda: reloader.state.status().refused > before)
        refusal = reloader.state.status().refusal
    assert refusal is not None
    return refusal.reason


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize(
    "text",
    [
        "", "\n", "# nothing\n", "{}\n", "steady: {strength: 0.5}\n", "rtsp:\n", "rtsp: {}\n",
        "steady: {strength: 0.7}\nrtsp: {user: me}\nhttp: {port: 0}\n",
    ],
)  # fmt: skip
def test_security_is_not_switched_off_by_what_is_missing(
    path: Path, text: str, asked: bool
) -> None:
    path.write_text(SECURED)
    with reloading(path) as (reloader, daemon):
        path.write_text(text)
        reason = refused(reloader, asked=asked)
        assert "is empty" in reason or (
            "rtsp.password: is in use, and not to be found here any more; write it again, or "
            "password: none to do without" in reason
        )
        assert secrets(daemon) == (True, True)
        assert not daemon.applied
        # Whole again, it is taken up as ever.
        path.write_text(SECURED.replace("0.5", "0.6"))
        until(lambda: daemon.settings.steady.strength == 0.6)
        until(lambda: reloader.state.status().refusal is None)


def test_cut_off_anywhere_it_stays_as_it_was(path: Path) -> None:
    """Whatever a copy that breaks off leaves is refused, or is no other setting, or another word.

    A secret that is cut itself is another secret, but one it remains.
    """
    path.write_text(SECURED)
    with reloading(path) as (reloader, daemon):
        for end in range(len(SECURED)):
            path.write_text(SECURED[:end])
            reloader._do(None, asked=False)
            assert secrets(daemon) == (True, True)
            assert daemon.settings.log.level == "debug", SECURED[:end]
        assert not daemon.applied or all(secrets(daemon))


@pytest.mark.parametrize("text", ["steady: {strength: 0.5}\n", "# steady: {strength: 0.5}\n"])
def test_a_file_that_lost_its_end_waits_to_be_confirmed(path: Path, text: str) -> None:
    path.write_text("steady: {strength: 0.5}\nedge: {softness: 0.5}\n")
    with reloading(path) as (reloader, daemon):
        path.write_text(text)
        reason = refused(reloader, asked=False)
        assert "looks cut off: it " in reason
        assert "save it whole, or confirm it with: mattebox reload" in reason
        assert daemon.settings.edge.softness == 0.5
        assert "edge" in reloader.ask().result(LIMIT_S).changed


def test_what_is_written_out_is_meant(path: Path) -> None:
    path.write_text(SECURED)
    with reloading(path) as (_, daemon):
        path.write_text("rtsp: {password: none}\nhttp: {token: none}\n")
        until(lambda: secrets(daemon) == (False, False))


def test_nothing_at_all_can_be_meant(path: Path) -> None:
    with reloading(path) as (_, daemon):
        path.write_text("{}\n")
        until(lambda: daemon.settings.steady.strength == Settings().steady.strength)


def test_a_file_that_was_written_over_http_is_the_one_to_compare_with(path: Path) -> None:
    with reloading(path) as (reloader, _):
        text = "steady: {strength: 0.5}\nedge: {softness: 0.5}\n"
        softer = Settings().edge.model_copy(update={"softness": 0.5})
        reloader.change(lambda now: now.model_copy(update={"edge": softer}), LIMIT_S)
        path.write_text(text)
        state = identity(path)
        assert state is not None
        reloader.wrote(state, text)
        path.write_text("steady: {strength: 0.5}\n")
        assert "looks cut off" in refused(reloader, asked=False)
