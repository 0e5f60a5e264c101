"""When a caption is drawn, and what is shown while it is not ready."""

from __future__ import annotations

import gc
import threading
import time
from typing import Any

import pytest
from structlog.testing import capture_logs

from appliance.captions.draw import CaptionDrawer, DrawnCaption
from appliance.config.settings import Settings
from appliance.errors import InputError, MissingDependency
from appliance.media.caption import Caption
from appliance.media.frame import Format
from appliance.pixels import cpu
from appliance.stages.captions import painter as painter_module
from appliance.stages.captions.painter import CaptionPainter
from tests.captions.fonts import drawer_for
from tests.scenes import FULL

pytestmark = pytest.mark.usefixtures("_pango")
FORMAT = Format(320, 180, (25, 1), FULL)


@pytest.fixture
def _pango() -> None:
    """Without it there is nothing to test."""
    drawer_for()


def settings_of(pace: str = "fast", **look: Any) -> Settings:
    return Settings.model_validate(
        {"source": {"uri": "test://", "pace": pace}, "stages": {"captions": look}}
    )


def painter(settings: Settings) -> CaptionPainter:
    return CaptionPainter(FORMAT, settings.stages.captions)


@pytest.fixture
def drawings(_pango: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What has been drawn, in order, without what warms up."""
    texts: list[str] = []
    real = CaptionDrawer.draw

    def draw(self: CaptionDrawer, text: str, *args: Any) -> DrawnCaption | None:
        texts.append(text)
        return real(self, text, *args)

    monkeypatch.setattr(painter_module, "_WARM_UP", "a")
    monkeypatch.setattr(CaptionDrawer, "draw", draw)
    return texts


def test_a_cue_is_drawn_once(drawings: list[str]) -> None:
    settings = settings_of()
    paint = painter(settings)
    first, same_words = Caption("hello", "en", 1), Caption("hello", "en", 2)
    shown = [paint.overlay(first, k * 40_000_000, settings) for k in range(5)]
    assert len({id(one) for one in shown}) == 1
    assert isinstance(shown[0], cpu.Overlay)
    assert paint.overlay(None, 200_000_000, settings) is None
    assert paint.overlay(same_words, 240_000_000, settings) is shown[0]
    assert drawings == ["a", "hello"]
    larger = settings_of(size=0.1)
    again = paint.overlay(same_words, 280_000_000, larger)
    assert again is not None
    assert again.alpha.shape > shown[0].alpha.shape
    assert drawings == ["a", "hello", "hello"]


def test_memory_is_bounded(drawings: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(painter_module, "_MOST_KEPT", 3)
    settings = settings_of()
    paint = painter(settings)
    for text in ("b", "c", "d", "e", "b"):
        assert paint.overlay(Caption(text), 0, settings) is not None
    assert drawings == ["a", "b", "c", "d", "e", "b"]
    assert len(paint._kept) == 3


def test_parts_follow_one_another() -> None:
    settings = settings_of(lines=1, size=0.08)
    paint = painter(settings)
    caption = Caption("one two three four five six seven eight nine ten eleven twelve", "en")
    begin = 10**12
    first = paint.overlay(caption, begin, settings)
    assert paint.overlay(caption, begin + 900_000_000, settings) is first
    second = paint.overlay(caption, begin + 3_000_000_000, settings)
    assert second is not None
    assert second is not first
    assert paint.overlay(caption, begin + 3600 * 10**9, settings) is not None
    assert paint.overlay(Caption("x"), begin, settings) is not None
    assert paint.overlay(caption, begin + 3601 * 10**9, settings) is first, "it begins anew"


def test_a_live_frame_does_not_wait_for_a_slow_one(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_of("realtime")
    paint = painter(settings)
    go = threading.Event()
    real = CaptionDrawer.draw

    def slow(self: CaptionDrawer, *args: Any) -> DrawnCaption | None:
        assert go.wait(20)
        return real(self, *args)

    monkeypatch.setattr(CaptionDrawer, "draw", slow)
    caption = Caption("hello")
    assert paint.overlay(caption, 0, settings) is None
    began = time.thread_time()
    for k in range(1, 50):
        assert paint.overlay(caption, k, settings) is None
    assert time.thread_time() - began < 5
    go.set()
    # One and the same cue is not waited for twice, but another is, and they are drawn in turn.
    assert paint.overlay(Caption("last"), 60, settings_of()) is not None
    assert paint.overlay(caption, 99, settings) is not None


def test_what_cannot_be_drawn_is_left_out_with_one_warning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = settings_of()
    paint = painter(settings)
    assert paint.overlay(Caption("first"), 0, settings) is not None
    real = CaptionDrawer.draw

    def draw(self: CaptionDrawer, text: str, *args: Any) -> DrawnCaption | None:
        if text == "bad":
            raise InputError("no font here has it")
        return real(self, text, *args)

    monkeypatch.setattr(CaptionDrawer, "draw", draw)
    with capture_logs() as logs:
        for k in range(5):
            assert paint.overlay(Caption("bad"), k, settings) is None
    assert [line["why"] for line in logs] == ["no font here has it"]
    assert paint.overlay(Caption("good"), 9, settings) is not None


def test_without_pango_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise MissingDependency("captions are drawn by Pango")

    monkeypatch.setattr("appliance.captions.draw.libraries", none)
    settings = settings_of()
    paint = CaptionPainter(FORMAT, settings.stages.captions)
    assert paint.overlay(None, 0, settings) is None
    for _ in range(3):
        with pytest.raises(MissingDependency, match="Pango"):
            paint.overlay(Caption("a"), 0, settings)


def test_its_thread_ends_with_it() -> None:
    settings = settings_of()
    before = set(threading.enumerate())
    paint = painter(settings)
    assert paint.overlay(Caption("a"), 0, settings) is not None
    (thread,) = set(threading.enumerate()) - before
    del paint
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()
