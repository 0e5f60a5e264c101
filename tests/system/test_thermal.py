"""Thermal zones in a folder as the kernel makes it, with all that is wrong with real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.system.thermal import Heat, Thermometer, Zone, judge, read_zones


def zone(
    root: Path, number: int, name: str, temp: str, trips: dict[str, str] | None = None
) -> Path:
    """A zone's folder; ``trips``: kinds to temperatures."""
    folder = root / f"thermal_zone{number}"
    folder.mkdir(parents=True)
    (folder / "type").write_text(name + "\n")
    (folder / "temp").write_text(temp + "\n")
    for index, (kind, at) in enumerate((trips or {}).items()):
        (folder / f"trip_point_{index}_type").write_text(kind + "\n")
        (folder / f"trip_point_{index}_temp").write_text(at + "\n")
    return folder


def test_zones_with_their_own_limits(tmp_path: Path) -> None:
    zone(tmp_path, 0, "cpu-thermal", "71500", {"passive": "95000", "critical": "105000"})
    zone(tmp_path, 1, "x86_pkg_temp", "64000", {"hot": "98000", "passive": "-1000"})
    zone(tmp_path, 2, "acpitz", "40000")
    zone(tmp_path, 10, "tj-thermal", "60000", {"critical": "104500", "active": "51000"})
    assert read_zones(tmp_path) == (
        Zone("cpu-thermal", 71.5, 95, 100),
        Zone("x86_pkg_temp", 64, None, 98),
        Zone("acpitz", 40),
        Zone("tj-thermal", 60, 94.5, 99.5),
    )


@pytest.mark.parametrize("temp", ["", "hello", "-274000", "255000", "\x00"])
def test_a_sensor_that_says_nonsense_is_left_out(tmp_path: Path, temp: str) -> None:
    zone(tmp_path, 0, "cpu", temp)
    zone(tmp_path, 1, "gpu", "50000")
    assert read_zones(tmp_path) == (Zone("gpu", 50),)


def test_a_sensor_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    folder = zone(tmp_path, 0, "cpu", "50000")
    (folder / "temp").unlink()
    (folder / "temp").mkdir()
    (tmp_path / "thermal_zone7").mkdir()
    (tmp_path / "thermal_zoneX").write_text("no folder")
    assert read_zones(tmp_path) == ()


def test_a_machine_without_zones(tmp_path: Path) -> None:
    assert read_zones(tmp_path / "none") == ()
    thermometer = Thermometer(root=tmp_path / "none")
    thermometer.start()
    assert thermometer.heat == Heat()
    assert thermometer.stop()


@pytest.mark.parametrize(
    ("celsius", "hot", "warm"),
    [(94.9, False, False), (95.0, False, True), (99.9, False, True), (100.0, True, True)],
)
def test_what_is_hot_and_what_is_warm(celsius: float, hot: bool, warm: bool) -> None:
    heat = judge([Zone("cpu-thermal", celsius, 95, 100)])
    assert bool(heat.hot) is hot
    assert bool(heat.warm) is warm
    if hot:
        assert heat.hot == "cpu-thermal is at 100 °C, too hot from 100 °C on"


def test_the_users_own_limit_beats_the_zones() -> None:
    zones = [Zone("cpu-thermal", 72, 95, 100), Zone("acpitz", 40)]
    assert judge(zones, 70).hot == "cpu-thermal is at 72 °C, too hot from 70 °C on"
    assert not judge(zones, 75).hot
    assert judge(zones, 75).warm
    assert judge(zones, 80) == Heat()


def test_sensors_of_other_parts_have_no_say() -> None:
    """A Jetson's PMIC-Die says 100 °C for ever; a radio or a battery is not cooled by our rest."""
    zones = [Zone(n, 100, 60, 70) for n in ("PMIC-Die", "iwlwifi_1", "BAT0", "nvme", "charger")]
    assert judge(zones) == Heat()
    assert judge(zones, 50) == Heat()


def test_the_thermometer_reads_and_follows(tmp_path: Path) -> None:
    folder = zone(tmp_path, 0, "cpu", "50000", {"critical": "100000"})
    thermometer = Thermometer(root=tmp_path)
    thermometer.start()
    assert thermometer.stop(), "the thread ends when told"
    assert thermometer.zones == (Zone("cpu", 50, 90, 95),)
    (folder / "temp").write_text("96000\n")
    thermometer.look()
    assert thermometer.heat.hot
    thermometer.configure(120)
    thermometer.look()
    assert thermometer.heat == Heat()
