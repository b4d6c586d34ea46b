"""Count parameters and multiply-adds of many networks in one process, on torch's meta device."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch

from benchbox.config import JobConfig
from benchbox.costs import Costs, keep, key, question
from benchbox.engine.cost import count
from benchbox.worker.network import network


def count_all(cache: Path) -> None:
    """Read a JSON list of resolved jobs from stdin and put the costs of their networks into the cache."""
    for values in json.load(sys.stdin):
        config = JobConfig.model_validate(values)
        costs = cost_of(config)
        keep(cache, key(config), costs, question(config))


def cost_of(config: JobConfig) -> Costs:
    """Count one network at its input size."""
    with torch.device("meta"):
        model = network(config)
    cost = count(model, *config.dataset.input, spare=False)
    return Costs(cost.parameters, cost.macs, cost.field_gflops)
