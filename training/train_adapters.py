"""Stage 12: small adapters for the picturebook, in diffusers' files. The model itself does not change.

    python train_adapters.py edges --work FOLDER --minutes 60 --out ../weights/adapters/edges
    python train_adapters.py cyanotype --work FOLDER --minutes 38 --out ../weights/adapters/cyanotype.safetensors
    python train_adapters.py turquoise --work FOLDER --minutes 8 --out ../weights/adapters/turquoise.safetensors

`edges` is a ControlNet (Zhang et al. 2023, arXiv:2302.05543) that follows Canny's edges; `cyanotype` a LoRA
(Hu et al. 2021, arXiv:2106.09685) with which scenes come out as the blue prints of early photography; `turquoise`
an embedding of two vectors (textual inversion; Gal et al. 2022, arXiv:2208.01618), a colour that the world does
not know. Scenes are rendered and encoded as they are needed; what is written is the moving average.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import parametrize

import adapters
import common
import distil
import scenes
import tokenizer
from controlnet import ControlNetModel, control_config
from export import write_part
from muon import Muon
from picturebook import WEIGHTS, Picturebook


class Edges:
    """A ControlNet; the caption is left out of one scene in ten, as it was for the model."""

    # Where things are is decided in much noise: that counts no less.
    rate, decay, batch, floor = 4e-3, 0.99, 16, 1.0

    def __init__(self, book: Picturebook, options):
        self.book = book
        self.config = control_config(book.config, [8, 16, 32, 64])
        self.model = ControlNetModel(self.config).to(book.device, memory_format=torch.channels_last)
        self.model.begin_from(book.unet)

    def scene(self, seed: int) -> tuple[np.ndarray, str, np.ndarray]:
        scene = scenes.scene(seed)
        picture = np.asarray(scene.picture)
        # Photos and drawings have more or fewer edges than scenes have at the usual thresholds.
        high = 200 if seed % 2 else 60 + seed // 2 % 240
        return picture, scene.caption, adapters.edges(picture, high // 2, high)

    def predict(self, x, times, captions, extra):
        hint = torch.from_numpy(np.stack(extra)).to(self.book.device).float() / 255
        added = self.model(x, times, hint[:, None].expand(-1, 3, -1, -1))
        context = self.book.text(self.book.ids(captions))
        return self.book.unet(x, times, context, added)[0]

    def write(self, model: nn.Module, out: Path) -> None:
        write_part(out, "diffusion_pytorch_model", model.state_dict(),
                   {"_class_name": "ControlNetModel", **self.config})


class Cyanotype:
    """A LoRA on all but the U-Net's first and last layer."""

    rate, decay, batch, floor = 2.5e-3, 0.99, 16, 0.2

    def __init__(self, book: Picturebook, options):
        self.book = book
        found = distil.adapted(book.unet, options.rank)
        self.model = nn.ModuleDict({name.replace(".", "/"): x for name, x in found.items()})

    def scene(self, seed: int) -> tuple[np.ndarray, str, None]:
        scene = scenes.scene(seed)
        return adapters.cyanotype(np.asarray(scene.picture)), scene.caption, None

    def predict(self, x, times, captions, extra):
        return self.book.unet(x, times, self.book.text(self.book.ids(captions)))[0]

    def write(self, model: nn.Module, out: Path) -> None:
        out.parent.mkdir(parents=True, exist_ok=True)
        made = {name.replace("/", "."): adapter for name, adapter in model.items()}
        distil.save(made, self.book.unet, out)


class NewRows(nn.Module):
    """An embedding's table and rows behind it."""

    def __init__(self, rows: torch.Tensor):
        super().__init__()
        self.embeddings = nn.Parameter(rows.clone())

    def forward(self, table: torch.Tensor) -> torch.Tensor:
        return torch.cat([table, self.embeddings])


class Turquoise:
    """A word of two vectors, which begin as those of the colours that it lies between."""

    rate, decay, batch, floor = 1e-3, 0.98, 8, 0.2

    def __init__(self, book: Picturebook, options):
        self.book = book
        table = book.text.embeddings["token_embedding"]
        self.first = len(table.weight)
        self.stand_in, *_ = self.known = [int(book.ids([word])[0, 1]) for word in adapters.BETWEEN]
        self.model = NewRows(table.weight[self.known])
        parametrize.register_parametrization(table, "weight", self.model, unsafe=True)

    def scene(self, seed: int) -> tuple[np.ndarray, str, None]:
        return *adapters.tinted(seed), None

    def ids(self, captions: list[str]) -> torch.Tensor:
        """Token ids with the new ones where a caption has the word."""
        # The world's own colour in its place has no other place in these captions.
        plain = self.book.ids([c.replace(adapters.WORD, adapters.BETWEEN[0]) for c in captions])
        rows = []
        for row, caption in zip(plain.tolist(), captions):
            spelled, words = [], iter([None, *tokenizer.split(caption)])
            for token in row:
                is_new = next(words, None) == adapters.WORD
                spelled += [self.first, self.first + 1] if is_new else [token]
            rows.append(spelled[: len(row) - 1] + row[-1:])
        return torch.tensor(rows, device=plain.device)

    def predict(self, x, times, captions, extra):
        return self.book.unet(x, times, self.book.text(self.ids(captions)))[0]

    def write(self, model: nn.Module, out: Path) -> None:
        out.parent.mkdir(parents=True, exist_ok=True)
        save_file({adapters.WORD: model.embeddings.detach().clone()}, out, {"format": "pt"})
        out.chmod(0o644)


KINDS = {"edges": Edges, "cyanotype": Cyanotype, "turquoise": Turquoise}


def main() -> None:
    parser = common.arguments(__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--batch", type=int, help="16, and 8 for an embedding")
    parser.add_argument("--learning-rate", type=float, help="the kind's own when not given")
    parser.add_argument("--rank", type=int, default=8, help="of a LoRA")
    parser.add_argument("--gamma", type=float, default=5, help="min-SNR's bound")
    parser.add_argument("--model", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    common.prepare(options)
    book = Picturebook(options.model, options.device)
    adapter = KINDS[options.kind](book, options)
    batch, rate = options.batch or adapter.batch, options.learning_rate or adapter.rate
    average = common.Average(adapter.model, adapter.decay)
    optimizer = Muon(adapter.model, rate, decay=0.0)
    checkpoint = common.Checkpoint(options.work / f"{options.kind}.pt", options.piece_mb)
    step, clock = common.resume(checkpoint, options, adapter.model, optimizer, average)
    ratio = book.alphas / (1 - book.alphas)
    weights = torch.clamp(ratio + adapter.floor, max=options.gamma) / (ratio + 1)
    generator = torch.Generator().manual_seed(options.seed + step)
    losses = []
    while clock.progress < 1:
        seeds = torch.randint(1 << 40, (batch,), generator=generator).tolist()
        pictures, captions, extra = zip(*map(adapter.scene, seeds))
        dropped = torch.rand(batch, generator=generator) < 0.1
        captions = ["" if drop else caption for drop, caption in zip(dropped, captions)]
        z = book.latents(np.stack(pictures))
        noise = torch.randn(z.shape, generator=generator).to(z)
        # One timestep in each of as many equal spans as there are pictures: less noise in the loss.
        spread = torch.randperm(batch, generator=generator) + torch.rand(1, generator=generator)
        times = (spread / batch * 1000).long().clamp(max=999).to(book.device)
        a, s = book.signal_and_noise(times)
        with common.autocast(options.device):
            found = adapter.predict(a * z + s * noise, times, captions, extra)
        error = F.mse_loss(found.float(), a * noise - s * z, reduction="none").mean((1, 2, 3))
        loss = (error * weights[times]).mean()
        common.set_rate(optimizer, rate * clock.rate(step, 20, 0.0))
        common.descend(loss, adapter.model, optimizer)
        average.update(adapter.model, step, every=1)
        losses.append(loss.item())
        step += 1
        clock.tick()
        if step % 10 == 0:
            common.log(options.work / f"{options.kind}.log", step=step,
                       minutes=clock.spent / 60, loss=float(np.mean(losses)))
            losses = []
        common.save(checkpoint, clock, model=adapter.model, average=average.model,
                    optimizer=optimizer, step=step)
    adapter.write(average.model, options.out)


if __name__ == "__main__":
    main()
