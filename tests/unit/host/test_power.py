"""Whether the machine runs on its battery, by its power supplies, and how often it is asked."""

import sys
from pathlib import Path

from agent.host.power import ASK_S, Power
from tests.sim.power import Supply


def test_an_answer_counts_for_a_while() -> None:
    supply, now = Supply(), [0.0]
    power = Power(supply.on_battery, lambda: now[0])
    assert not power.on_battery()
    supply.unplugged = True
    assert not power.on_battery()
    assert supply.asked == 1
    now[0] = ASK_S
    assert power.on_battery()


if sys.platform == "linux":
    from agent.host.power_linux import on_battery

    def supplies(folder: Path, **known: dict[str, str]) -> Path:
        """Write power supplies as sysfs shows them."""
        for name, words in known.items():
            (folder / name).mkdir()
            for word, text in words.items():
                (folder / name / word).write_text(f"{text}\n")
        return folder

    MAINS, UNPLUGGED = {"type": "Mains", "online": "1"}, {"type": "Mains", "online": "0"}
    CHARGER = {"type": "USB", "scope": "System", "online": "1"}
    MOUSE = {"type": "Battery", "scope": "Device", "status": "Discharging"}

    def battery(status: str) -> dict[str, str]:
        return {"type": "Battery", "status": status, "energy_now": "nonsense"}

    def test_unplugged_it_runs_on_battery(tmp_path: Path) -> None:
        assert on_battery(supplies(tmp_path, AC=UNPLUGGED, BAT0=battery("Discharging")))

    def test_one_of_two_batteries_in_use_is_enough(tmp_path: Path) -> None:
        assert on_battery(supplies(tmp_path, BAT0=battery("Full"), BAT1=battery("Discharging")))

    def test_plugged_in_it_does_not_whatever_the_battery_says(tmp_path: Path) -> None:
        assert not on_battery(supplies(tmp_path, AC=MAINS, BAT0=battery("Discharging")))

    def test_a_charger_at_a_usb_port_is_a_source(tmp_path: Path) -> None:
        assert not on_battery(supplies(tmp_path, ucsi=CHARGER, BAT0=battery("Discharging")))

    def test_the_battery_of_a_wireless_mouse_is_not_the_desktops(tmp_path: Path) -> None:
        assert not on_battery(supplies(tmp_path, hidpp_battery_0=MOUSE))

    def test_what_cannot_be_told_counts_as_mains(tmp_path: Path) -> None:
        assert not on_battery(supplies(tmp_path, BAT0=battery("Unknown"), BAT1={}))
        assert not on_battery(tmp_path / "nothing")
