"""A laptop's power supply: mains that are plugged in or not, and a battery."""

from dataclasses import dataclass


@dataclass(slots=True)
class Supply:
    """`asked` counts how often the machine was asked."""

    unplugged: bool = False
    asked: int = 0

    def on_battery(self) -> bool:
        self.asked += 1
        return self.unplugged
