"""Where the hyperparameters of a sweep come from: spaces, and searches over them. Nothing here trains anything."""

from jaxnn.search.grid import Grid
from jaxnn.search.random import Random
from jaxnn.search.space import Choice, Dimension, Integer, LogUniform, Space, Uniform

__all__ = ["Choice", "Dimension", "Grid", "Integer", "LogUniform", "Random", "Space", "Uniform"]
