"""jaxnn: a training run is a pure function, a recipe is a pytree of hyperparameters, a sweep is a list of recipes."""

from jaxnn import layers, losses, models
from jaxnn.codec import from_json, to_json
from jaxnn.compiling import enable_compilation_cache
from jaxnn.loop import Data, State, Status, advance, start
from jaxnn.model_files import Model, load_model, save_model
from jaxnn.optimizers import Optimizer, optimizer
from jaxnn.populations import fit_many
from jaxnn.recipes import EarlyStopping, Recipe
from jaxnn.runs import Run
from jaxnn.search import Choice, Grid, Integer, LogUniform, Random, Uniform
from jaxnn.summaries import Summary, summary
from jaxnn.sweeps import Ensemble, Sweep, Trial, sweep
from jaxnn.tasks import BinaryClassification, Classification, Regression, Task
from jaxnn.training import fit

__all__ = [
    "BinaryClassification",
    "Choice",
    "Classification",
    "Data",
    "EarlyStopping",
    "Ensemble",
    "Grid",
    "Integer",
    "LogUniform",
    "Model",
    "Optimizer",
    "Random",
    "Recipe",
    "Regression",
    "Run",
    "State",
    "Status",
    "Summary",
    "Sweep",
    "Task",
    "Trial",
    "Uniform",
    "advance",
    "enable_compilation_cache",
    "fit",
    "fit_many",
    "from_json",
    "layers",
    "load_model",
    "losses",
    "models",
    "optimizer",
    "save_model",
    "start",
    "summary",
    "sweep",
    "to_json",
]
