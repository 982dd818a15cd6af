"""The judge: a small convolutional network that says what is to be seen where in a picture.

It learns from rendered scenes alone (train_judge.py) and never sees a generated one, so it can be asked
whether a drawn picture shows what was wanted. The output is a grid of 16 × 16 places, eight of a scene's
units each: whether a thing has its middle there, which of the 48 subjects, which colour (the last: its own).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

import scenes
from models import Downsample, ResnetBlock

CONFIG = dict(
    # One level more where a unit is two pixels: the grid is the same.
    model_type="judge", block_out_channels=[16] * (scenes.SCALE - 1) + [24, 48, 96, 128],
    layers_per_block=2, norm_num_groups=8,
    subjects=scenes.SUBJECTS, colours=list(scenes.COLOURS), places=scenes.PLACES,
)
STRIDE = 8  # units a place


@dataclass(frozen=True)
class Seen:
    """A thing in a picture: its middle in a scene's units, how sure the judge is of it, and its tint.

    `colour` is the nearest of the ten colours; `own_colour` whether it looks untinted.
    """

    subject: str
    colour: str
    own_colour: bool
    x: float
    y: float
    certainty: float


class Judge(nn.Module):
    """[batch, 3, PIXELS, PIXELS] in −1…1 → logits [batch, 1 + 48 + 11, 16, 16] and of the place [batch, 10]."""

    def __init__(self, config: dict):
        super().__init__()
        self.config = config
        widths, groups = config["block_out_channels"], config["norm_num_groups"]
        self.conv_in = nn.Conv2d(3, widths[0], 3, stride=2, padding=1)
        self.blocks = nn.ModuleList()
        self.narrow = nn.ModuleList()
        before = widths[0]
        for width in widths:
            resnets = [
                ResnetBlock(before if j == 0 else width, width, groups, 1e-5)
                for j in range(config["layers_per_block"])
            ]
            self.blocks.append(nn.ModuleList(resnets))
            if width != widths[-1]:
                self.narrow.append(Downsample(width, 1))
            before = width
        # What the coarsest grid knows of the surroundings comes back to the finer one.
        self.widen = nn.Conv2d(widths[-1], widths[-2], 1)
        self.last = ResnetBlock(widths[-2], widths[-2], groups, 1e-5)
        outputs = 1 + len(config["subjects"]) + len(config["colours"]) + 1
        self.things = nn.Conv2d(widths[-2], outputs, 1)
        self.place = nn.Linear(widths[-1], len(config["places"]))

    def features(self, x: torch.Tensor) -> list[torch.Tensor]:
        """What each level sees, from half of the picture's size down."""
        x = self.conv_in(x)
        found = []
        for index, block in enumerate(self.blocks):
            if index:
                x = self.narrow[index - 1](x)
            for resnet in block:
                x = resnet(x)
            found.append(x)
        return found

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        *_, fine, x = self.features(x)
        h = fine + F.interpolate(self.widen(x), scale_factor=2.0, mode="nearest")
        return self.things(F.silu(self.last(h))), self.place(x.mean((2, 3)))

    @torch.no_grad()
    def read(self, pictures: torch.Tensor, threshold: float = 0.5) -> list[tuple[list[Seen], str]]:
        """The things in each picture, from left to right, and the place."""
        things, places = self(pictures)
        subjects, colours = self.config["subjects"], self.config["colours"]
        found, subject, colour = things.split((1, len(subjects), len(colours) + 1), 1)
        # A thing's middle is the surest place within 32 units: two things stand farther apart, and parts of
        # a big one may look like another. Of logits, since many sigmoids round to 1.
        peaks = (found == F.max_pool2d(found, 9, 1, 4)) & (found.sigmoid() > threshold)
        seen = []
        for index in range(len(pictures)):
            here = []
            for y, x in peaks[index, 0].nonzero().tolist():
                tint = colour[index, :, y, x]
                here.append(Seen(
                    subjects[int(subject[index, :, y, x].argmax())],
                    colours[int(tint[:-1].argmax())], bool(tint.argmax() == len(colours)),
                    (x + 0.5) * STRIDE, (y + 0.5) * STRIDE, float(found[index, 0, y, x].sigmoid()),
                ))
            here.sort(key=lambda thing: thing.x)
            seen.append((here, self.config["places"][int(places[index].argmax())]))
        return seen

    def save(self, folder: Path) -> None:
        """Writes config.json and model.safetensors, f16."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_text(
            json.dumps(self.config, indent=2, ensure_ascii=False) + "\n"
        )
        tensors = {name: x.half().contiguous() for name, x in self.state_dict().items()}
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})
        (folder / "model.safetensors").chmod(0o644)

    @classmethod
    def load(cls, folder: Path) -> Judge:
        judge = cls(json.loads((folder / "config.json").read_text()))
        tensors = load_file(folder / "model.safetensors")
        judge.load_state_dict({name: x.float() for name, x in tensors.items()})
        return judge.eval()
