"""jaxnn: a training run is a pure function, a recipe is a pytree of hyperparameters, a sweep is a list of recipes."""

from jaxnn import diagnostics, layers, losses, metrics, models, schedules
from jaxnn.averaging import Averaging
from jaxnn.checkpoints import Checkpoints
from jaxnn.clipping import ClipByLayerNorm, ClipByNorm, ClipByValue
from jaxnn.codec import from_json, to_json
from jaxnn.compiling import enable_compilation_cache
from jaxnn.hypergradients import hypergradient, validation_loss
from jaxnn.loop import Data, State, Status, advance, start
from jaxnn.model_files import Model, load_model, save_model
from jaxnn.optimizers import Optimizer, optimizer
from jaxnn.parts import Optimizers, optimizers
from jaxnn.populations import fit_many
from jaxnn.recipes import Recipe
from jaxnn.runs import Run
from jaxnn.search import Choice, Grid, Integer, LogUniform, Random, Uniform
from jaxnn.stopping import EarlyStopping, ReduceOnPlateau
from jaxnn.streams import fit_stream, predict_stream
from jaxnn.summaries import Summary, summary
from jaxnn.sweeps import Ensemble, Sweep, Trial, sweep
from jaxnn.tasks import (
    Adversarial,
    BinaryClassification,
    Classification,
    NextToken,
    Reconstruction,
    Regression,
    Task,
    Variational,
    generate,
    translate,
)
from jaxnn.training import fit

__all__ = [
    "Adversarial",
    "Averaging",
    "BinaryClassification",
    "Checkpoints",
    "Choice",
    "Classification",
    "ClipByLayerNorm",
    "ClipByNorm",
    "ClipByValue",
    "Data",
    "EarlyStopping",
    "Ensemble",
    "Grid",
    "Integer",
    "LogUniform",
    "Model",
    "NextToken",
    "Optimizer",
    "Optimizers",
    "Random",
    "Recipe",
    "Reconstruction",
    "ReduceOnPlateau",
    "Regression",
    "Run",
    "State",
    "Status",
    "Summary",
    "Sweep",
    "Task",
    "Trial",
    "Uniform",
    "Variational",
    "advance",
    "diagnostics",
    "enable_compilation_cache",
    "fit",
    "fit_many",
    "fit_stream",
    "from_json",
    "generate",
    "hypergradient",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "models",
    "optimizer",
    "optimizers",
    "predict_stream",
    "save_model",
    "schedules",
    "start",
    "summary",
    "sweep",
    "to_json",
    "translate",
    "validation_loss",
]
