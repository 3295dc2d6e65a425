"""The rows of the tables: accuracy, seconds, and numbers of parameters."""

from __future__ import annotations

import os
import time
import warnings
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from spel.metrics.classification import Confusion, confusion


@dataclass
class Row:
    """One candidate.

    Attributes
    ----------
    accuracy : float
        On the part that is judged.
    fit_seconds, cpu_seconds, predict_seconds : float
        Wall-clock time, processor time of all cores, wall-clock time; a busy machine lengthens the
        first and the last.
    encoder, head : int
        Numbers learned without and with labels.
    backprop : str
        What is learned by backpropagation: nothing, the head, all.
    """

    name: str
    part: str
    train: int
    accuracy: float
    kappa: float
    fit_seconds: float
    cpu_seconds: float
    predict_seconds: float
    encoder: int
    head: int
    backprop: str
    load: float
    settings: dict[str, Any] = field(default_factory=dict)
    confusion: list[list[int]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)


def measure(
    name: str,
    model: Any,
    train: tuple[Any, Any],
    judge: tuple[Any, Any],
    *,
    part: str,
    backprop: str,
    settings: dict[str, Any] | None = None,
) -> tuple[Row, Any, Confusion]:
    """Fit and predict, and measure both."""
    clock, cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(*train)
    fit, used = time.perf_counter() - clock, time.process_time() - cpu
    clock = time.perf_counter()
    called = model.predict(judge[0])
    predict = time.perf_counter() - clock
    found = confusion(judge[1], called)
    encoder, head = count_numbers(model)
    row = Row(
        name,
        part,
        len(train[1]),
        round(found.accuracy, 4),
        round(found.kappa, 4),
        round(fit, 1),
        round(used, 1),
        round(predict, 1),
        encoder,
        head,
        backprop,
        round(os.getloadavg()[0], 1),
        settings or {},
        found.counts.tolist(),
    )
    print(f"  {name} ({part}, {row.train}): {row.accuracy:.4f}  {fit:.1f} s", flush=True)
    return row, model, found


def count_numbers(model: Any) -> tuple[int, int]:
    """Numbers of parameters of the encoder and of the head."""
    steps = [step for _, step in model.steps] if hasattr(model, "steps") else [model]
    encoder = head = 0
    for step in steps:
        inner = [getattr(step, "features_", None), getattr(step, "head_", None)]
        members = getattr(inner[1], "estimators_", [])
        for part in [step, *inner, *members]:
            network = getattr(part, "network_", None) or getattr(part, "network", None)
            if network is not None and hasattr(network, "parameters"):
                encoder += int(network.parameters)
            for name in ("coef_", "intercept_", "coefs_", "intercepts_", "centres_"):
                head += _size(getattr(part, name, None))
        for name in ("axes_", "mean_"):
            encoder += _size(getattr(step, name, None))
    return encoder, head


def _size(values: Any) -> int:
    if values is None:
        return 0
    if isinstance(values, list):
        return sum(np.size(v) for v in values)
    return int(np.size(values))


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [
        "| | judged on | accuracy | kappa | fit s | CPU s | predict s | encoder numbers | head "
        "numbers | by backpropagation |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---|",
    ]
    lines += [
        f"| {r.name} | {r.part} | {r.accuracy:.4f} | {r.kappa:.4f} | {r.fit_seconds:.0f} | "
        f"{r.cpu_seconds:.0f} | {r.predict_seconds:.1f} | {r.encoder:,} | {r.head:,} | "
        f"{r.backprop} |"
        for r in rows
    ]
    return "\n".join(lines)
