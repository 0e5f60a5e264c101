"""Load shedding: leaving out work, a level at a time, when frames cannot be made in time."""

from appliance.shedding.controller import Change, Controller, Made
from appliance.shedding.level import NETWORK_LEVELS, Level, Means
from appliance.shedding.watch import Shedding, State

__all__ = ["NETWORK_LEVELS", "Change", "Controller", "Level", "Made", "Means", "Shedding", "State"]
