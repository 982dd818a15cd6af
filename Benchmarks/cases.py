"""The jobs, and what the words of their cases mean."""

from __future__ import annotations

import re
from dataclasses import dataclass

JOBS = {
    "linear": [
        "linear 64x1280x1280", "linear 256x1280x1280", "linear 1024x640x5120", "linear 4096x320x320",
        "linear 8192x320x2560", "linear 8192x1280x320", "linear 77x768x768", "linear 2x1280x1280",
    ],
    "conv": [
        "conv 2x64x64x320>320 k3", "conv 2x32x32x640>640 k3", "conv 2x16x16x1280>1280 k3",
        "conv 2x8x8x1280>1280 k3", "conv 1x256x256x256>256 k3", "conv 1x512x512x128>128 k3",
        "conv 2x32x32x640>640 k3 up2", "conv 2x64x64x320>320 k3 s2", "conv 2x64x64x960>320 k1",
    ],
    "attention": [
        "attention 2x4096x4096x8x40", "attention 2x1024x1024x8x80", "attention 2x4096x77x8x40",
        "attention 1x4096x4096x1x512", "attention 1x77x77x12x64",
    ],
    "model": [
        "text encoder 2x77", "denoiser 1x64x64", "denoiser 2x64x64", "denoiser 1x96x96",
        "denoiser 2x96x96", "decoder 1x64x64",
    ],
}
PATTERNS = {
    "linear": r"linear (\d+)x(\d+)x(\d+)",
    "conv": r"conv (\d+)x(\d+)x(\d+)x(\d+)>(\d+) k(\d+)(?: s(\d+))?(?: (up2))?",
    "attention": r"attention (\d+)x(\d+)x(\d+)x(\d+)x(\d+)",
    "part": r"(text encoder|denoiser|decoder) (\d+)x(\d+)(?:x(\d+))?",
}


@dataclass(frozen=True)
class Linear:
    """A matrix product."""

    rows: int
    inputs: int
    outputs: int


@dataclass(frozen=True)
class Convolution:
    """A convolution with padding; `doubled` when its picture is doubled first."""

    batch: int
    height: int
    width: int
    inputs: int
    outputs: int
    kernel: int
    stride: int
    doubled: bool


@dataclass(frozen=True)
class Attention:
    """Attention without a mask."""

    batch: int
    queries: int
    keys: int
    heads: int
    size: int


@dataclass(frozen=True)
class Part:
    """A part of a model; `height` and `width` are its latent's, or `height` its tokens."""

    name: str
    batch: int
    height: int
    width: int


def parse(case: str) -> Linear | Convolution | Attention | Part:
    """What a case asks for."""
    for kind, pattern in PATTERNS.items():
        if found := re.fullmatch(pattern, case):
            words = found.groups()
            if kind == "linear":
                return Linear(*map(int, words))
            if kind == "conv":
                return Convolution(*map(int, words[:6]), int(words[6] or 1), words[7] is not None)
            if kind == "attention":
                return Attention(*map(int, words))
            return Part(words[0], *(int(word or 0) for word in words[1:]))
    raise ValueError(f"no such case: {case}")
