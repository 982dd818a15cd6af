"""What the training stages share: checkpoints that survive a stop, a moving average, a schedule."""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import time
from pathlib import Path

import torch


def arguments(description: str) -> argparse.ArgumentParser:
    """Options that every stage takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--work", type=Path, required=True, help="folder for checkpoints and logs")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--piece-mb", type=int, default=0, help="cut checkpoints into such pieces")
    return parser


def prepare(options: argparse.Namespace) -> None:
    """Makes the folder and seeds PyTorch."""
    options.work.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)


def has_fast_bfloat16(device: str) -> bool:
    """With CUDA and AVX-512. With AVX2 alone PyTorch emulates it, many times slower than float32."""
    return device != "cpu" or "AVX512" in torch.backends.cpu.get_cpu_capability()


def autocast(device: str) -> torch.autocast:
    """bfloat16 where it is faster."""
    return torch.autocast(device, dtype=torch.bfloat16, enabled=has_fast_bfloat16(device))


class Checkpoint:
    """A training state in one file, or in pieces of a few megabytes, replaced as a whole."""

    def __init__(self, path: Path, piece_megabytes: int = 0):
        self.path = path
        self.piece_bytes = piece_megabytes << 20

    def save(self, state: dict) -> None:
        partial = self.path.with_suffix(".partial")
        torch.save(state, partial)
        os.replace(partial, self.path)
        if self.piece_bytes:
            data = self.path.read_bytes()
            for start in range(0, len(data), self.piece_bytes):
                piece = self.path.with_name(f"{self.path.name}.{start // self.piece_bytes:02d}")
                piece.write_bytes(data[start : start + self.piece_bytes])
            self.path.unlink()

    def load(self, device: str) -> dict | None:
        pieces = sorted(self.path.parent.glob(self.path.name + ".[0-9][0-9]"))
        if pieces and not self.path.exists():
            self.path.write_bytes(b"".join(piece.read_bytes() for piece in pieces))
        if not self.path.exists():
            return None
        return torch.load(self.path, map_location=device, weights_only=False)


class Average:
    """An exponential moving average of a model's weights, with a warm-up."""

    def __init__(self, model: torch.nn.Module, decay: float = 0.999):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: torch.nn.Module, step: int, every: int = 4) -> None:
        """Counts in the model of each `every`th step; fewer passes over memory, the same mean."""
        if step % every == 0:
            decay = min(self.decay**every, (1 + step) / (10 + step))
            torch._foreach_lerp_(
                list(self.model.parameters()), list(model.parameters()), 1 - decay
            )


class Clock:
    """Training progress by time spent at work, so that a stage ends, decayed, after its minutes.

    `tick` after each step; a pause between two steps counts as five seconds at most.
    """

    def __init__(self, minutes: float, spent: float = 0.0):
        self.minutes = minutes
        self.spent = self.saved = spent
        self.last = time.monotonic()

    def tick(self) -> None:
        now = time.monotonic()
        self.spent += min(now - self.last, 5.0)
        self.last = now

    @property
    def progress(self) -> float:
        return min(self.spent / 60 / self.minutes, 1.0)

    def rate(self, step: int, warmup: int = 100, floor: float = 0.02) -> float:
        """The factor of the learning rate: linear warm-up, cosine decay over the stage's time."""
        cosine = 0.5 * (1 + math.cos(math.pi * self.progress))
        return min(1.0, (step + 1) / warmup) * (floor + (1 - floor) * cosine)


def resume(
    checkpoint: Checkpoint, options: argparse.Namespace, model: torch.nn.Module,
    optimizer: torch.optim.Optimizer, average: Average | None = None,
) -> tuple[int, Clock]:
    """The step and the time to go on with, after loading what an earlier run saved, if any."""
    state = checkpoint.load(options.device)
    if state is None:
        return 0, Clock(options.minutes)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    if average:
        average.model.load_state_dict(state["average"])
    return state["step"], Clock(options.minutes, state["spent"])


def save(checkpoint: Checkpoint, clock: Clock, **state) -> None:
    """Saves a training state each minute, and at the end."""
    if clock.spent - clock.saved > 60 or clock.progress >= 1:
        plain = {key: x.state_dict() if hasattr(x, "state_dict") else x for key, x in state.items()}
        checkpoint.save(plain | dict(spent=clock.spent))
        clock.saved = clock.spent


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = rate


def descend(
    loss: torch.Tensor, model: torch.nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    """One step down a loss, its gradient cut at length 1."""
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def log(path: Path, **facts) -> None:
    """One line of facts, on the terminal and in a log of JSON lines."""
    print("  ".join(f"{key} {value:.5g}" if isinstance(value, float) else f"{key} {value}"
                    for key, value in facts.items()), flush=True)
    with path.open("a") as file:
        file.write(json.dumps(facts) + "\n")
