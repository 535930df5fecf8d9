"""PyTorch: batches by index (no DataLoader, which costs up to twice the time), fused Adam."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from experiments.benchmarks.whole_run import LEARNING_RATE, Work
from experiments.benchmarks.workload import Train


class LastOutput(nn.Module):
    """An LSTM and a layer of its last output."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.out = nn.LSTM(1, 64, batch_first=True), nn.Linear(64, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (batch, time, 1), y (batch, 2)."""
        return self.out(self.lstm(x)[0][:, -1])


def mlp() -> nn.Module:
    """W2."""
    return nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))


def cnn() -> nn.Module:
    """W3; the pooling first, as PyTorch is faster so too."""
    first = [nn.Conv2d(1, 16, 3, padding="same"), nn.MaxPool2d(2), nn.ReLU()]
    second = [nn.Conv2d(16, 32, 3, padding="same"), nn.MaxPool2d(2), nn.ReLU()]
    return nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(1568, 64), nn.ReLU(), nn.Linear(64, 10))


NETWORKS: dict[str, Callable[[], nn.Module]] = {"mlp": mlp, "cnn": cnn, "lstm": LastOutput}


def train(work: Work) -> Train:
    """W2, W3 or W4."""
    return _train(work, torch.contiguous_format)


def train_channels_last(work: Work) -> Train:
    """W3 with channels as the last axis in memory."""
    return _train(work, torch.channels_last)


def _train(work: Work, memory_format: torch.memory_format) -> Train:
    inputs, labels = torch.from_numpy(work.x), torch.from_numpy(work.y.astype(np.int64))
    if work.network == "cnn":
        inputs = inputs.permute(0, 3, 1, 2).contiguous(memory_format=memory_format)

    def run(seed: int) -> None:
        torch.manual_seed(seed)
        model = NETWORKS[work.network]().to(memory_format=memory_format)
        optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)
        for _ in range(work.epochs):
            for index in torch.randperm(len(inputs)).split(work.batch):
                optimizer.zero_grad(set_to_none=True)
                nn.functional.cross_entropy(model(inputs[index]), labels[index]).backward()
                optimizer.step()

    return run
