"""What threads spend is attributed to what they are there for, and nothing of it is lost."""

from __future__ import annotations

import threading
import time

from appliance.tools.bench.threads import ThreadTime, Watch, between, group_of


def test_times_are_summed_by_group_and_those_of_ended_threads_kept() -> None:
    before = {1: ThreadTime("pipeline", 1_000, 5), 2: ThreadTime("frames:src", 500, 1)}
    after = {
        1: ThreadTime("pipeline", 4_000, 9),
        2: ThreadTime("frames:src", 2_500, 4),
        3: ThreadTime("output rtsp://127.0.0.1/a", 700, 2),
    }
    spent = between(before, after, process_ns=6_000)
    assert spent.cpu_ns == {"frame path": 3_000, "encoder": 2_000, "outputs": 700, "ended": 300}
    assert spent.threads["pipeline"] == 3_000
    assert spent.sleeps == {"pipeline": 4, "frames:src": 3, "output rtsp://127.0.0.1/a": 2}


def test_a_thread_is_known_by_the_name_it_got_in_python() -> None:
    done, go = threading.Event(), threading.Event()

    def work() -> None:
        until = time.thread_time() + 0.05
        while time.thread_time() < until:
            pass
        done.set()
        go.wait(10)

    watch = Watch()
    thread = threading.Thread(target=work, name="a thread of this test", daemon=True)
    thread.start()
    assert done.wait(10)
    spent = watch.spent()
    go.set()
    thread.join(10)
    assert spent.threads["a thread of this test"] >= 40_000_000
    assert group_of("a thread of this test") == "rest"


def test_gstreamers_threads_are_grouped_by_the_element_they_push_from() -> None:
    assert group_of("multiqueue0:src") == "decoder"
    assert group_of("qtdemux0:sink") == "source"
    assert group_of("frames:src") == "encoder"
    assert group_of("video:src") == "RTSP server"
