"""Schedules: numbers that change from step to step, learning rates above all."""

from jaxnn.schedules.base import Constant, Piecewise, Schedule, WarmUp, steps_per_epoch
from jaxnn.schedules.cycles import Cyclic, LinearOneCycle, OneCycle, WarmRestarts
from jaxnn.schedules.decay import Cosine, Exponential, Linear, Polynomial, Power, Staircase

__all__ = [
    "Constant",
    "Cosine",
    "Cyclic",
    "Exponential",
    "Linear",
    "LinearOneCycle",
    "OneCycle",
    "Piecewise",
    "Polynomial",
    "Power",
    "Schedule",
    "Staircase",
    "WarmRestarts",
    "WarmUp",
    "steps_per_epoch",
]
