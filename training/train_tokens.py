"""Stage 8: the image tokenizer. Whole scenes; 8×8 codes of 13 bits each.

    python train_tokens.py --work FOLDER --reader FOLDER [--start-from ../weights/storyteller]

With --decoder-only the encoder stays as it is (so do codes made with it) and only the decoder learns on.

Begins from the trained autoencoder, whose levels it shares, with one level more. Bits pass their
gradient straight through (Bengio et al. 2013, arXiv:1308.3432), and are pushed to be balanced and independent of each
other, so that none of the 8,192 codes is wasted. Codes are also asked what stands at their place, or they would
spend themselves on backgrounds; and pictures must look alike to a reader too, a judge that began from
another seed than the one that will judge them (the perceptual loss of Johnson et al. 2016,
arXiv:1603.08155, as Zhang et al. 2018, arXiv:1801.03924, measure it).
"""

from __future__ import annotations

from multiprocessing.pool import ThreadPool
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import nn

import common
import layout
import scenes
import stories
from judge import Judge
from magvitv2 import MAGVITv2
from muon import Muon
from train_vae import FRESH, edges, trained

CONFIG = dict(
    model_type="magvitv2", ch=16, z_channels=13, norm_num_groups=4, resolution=scenes.SIZE,
    encoder_ch_mult=[1, 2, 4, 8, 12], encoder_num_res_blocks=[1, 1, 1, 1, 2],
    decoder_ch_mult=[1, 2, 4, 8, 12], decoder_num_res_blocks=[1, 2, 2, 2, 2],
)
SIDE = scenes.SIZE >> len(CONFIG["encoder_ch_mult"]) - 1
FOREGROUND = 3.0  # how much more a thing's pixels count than the background's


def tokenizer(work: Path) -> dict[str, torch.Tensor]:
    """The tokenizer's weights: with the decoder that learnt on, if there is one."""
    state = common.Checkpoint(work / "tokens-decoder.pt").load("cpu")
    return (state or common.Checkpoint(work / "tokens.pt").load("cpu"))["average"]


def from_autoencoder(model: MAGVITv2, tensors: dict[str, torch.Tensor]) -> None:
    """Takes over the levels that the autoencoder has too."""
    levels = len(CONFIG["encoder_ch_mult"]) - 1
    renamed = {}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        words = rest.split(".")
        if words[0] in ("down_blocks", "up_blocks"):
            down = words[0] == "down_blocks"
            level = int(words[1]) if down else levels - 1 - int(words[1])
            words[:2] = ["down" if down else "up", str(level)]
            rest = ".".join(words).replace("resnets", "block").replace("conv_shortcut", "nin_shortcut")
            rest = rest.replace("samplers.0", "sample")
        renamed[f"{part}.{rest.replace('conv_norm_out', 'norm_out')}"] = tensor
    with torch.no_grad():
        for name, mine in model.named_parameters():
            if name in renamed and renamed[name].shape == mine.shape:
                mine.copy_(renamed[name])


def sample(seed: int) -> scenes.Scene:
    """A scene, or every other time a page of a story."""
    if seed % 2:
        return scenes.scene(seed)
    story = stories.story(seed)
    return stories.scene(story, seed // 2 % 4, seed)


def batch(seed: int, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Pictures [count, 3, side, side], their pixels' weights [count, 1, side, side], and what each code
    has to know [count, 2, SIDE, SIDE] (layout.cells)."""
    made = [sample(seed + index) for index in range(count)]
    weights = np.ones((count, 1, scenes.SIZE, scenes.SIZE), np.float32)
    for index, scene in enumerate(made):
        for thing in scene.things:
            top, left = (max(0, v - thing.size // 2 - 2) for v in (thing.y, thing.x))
            bottom, right = (v + thing.size // 2 + 3 for v in (thing.y, thing.x))
            weights[index, 0, top:bottom, left:right] = FOREGROUND
    weights /= weights.mean((1, 2, 3), keepdims=True)
    x = np.stack([np.asarray(scene.picture) for scene in made])
    x = torch.from_numpy(x).permute(0, 3, 1, 2).float() / 127.5 - 1
    cells = np.stack([layout.cells(scene, SIDE) for scene in made])
    return x, torch.from_numpy(weights), torch.from_numpy(cells)


class Cells(nn.Module):
    """Asks codes [batch, bit, SIDE, SIDE] what stands at each place, each alone and with its neighbours;
    for training alone."""

    def __init__(self, bits: int):
        super().__init__()
        self.questions_in = nn.ModuleList(nn.Conv2d(bits, 256, size, padding=size // 2) for size in (1, 3))
        self.questions = nn.ModuleList(nn.Conv2d(256, sum(layout.CELL_CLASSES), 1) for _ in range(2))

    def forward(self, q: torch.Tensor, wanted: torch.Tensor) -> list[torch.Tensor]:
        losses = []
        for first, last in zip(self.questions_in, self.questions):
            found = last(F.silu(first(q))).float().split(layout.CELL_CLASSES, 1)
            losses.append(sum(
                F.cross_entropy(logits, wanted[:, index], ignore_index=layout.IGNORED)
                for index, logits in enumerate(found)
            ))
        return losses


def reconstruction_loss(
    found: torch.Tensor, wanted: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """L1 and L2 of the pixels, and L1 of their differences to neighbours, at four scales."""
    loss = (weights * (F.l1_loss(found, wanted, reduction="none") + 3 * (found - wanted) ** 2)).mean()
    for scale in range(4):
        for a, b, w in zip(edges(found), edges(wanted), (weights[..., 1:], weights[..., 1:, :])):
            loss = loss + 0.3 * (w * (a - b).abs()).mean()
        if scale < 3:
            found, wanted, weights = (F.avg_pool2d(v, 2) for v in (found, wanted, weights))
            loss = loss + 0.3 * (weights * (found - wanted).abs()).mean()
    return loss


def looks_loss(
    reader: Judge, found: torch.Tensor, wanted: torch.Tensor, weights: torch.Tensor
) -> torch.Tensor:
    """How unlike two batches of pictures are to a reader: its features' directions at every level."""
    with torch.no_grad():
        right = reader.features(wanted)
    loss = 0
    for a, b in zip(reader.features(found), right):
        weights = F.adaptive_avg_pool2d(weights, a.shape[-1])
        unlike = (F.normalize(a.float(), dim=1) - F.normalize(b.float(), dim=1)).pow(2).sum(1, keepdim=True)
        loss = loss + (weights * unlike).mean() / len(right)
    return loss


def balance_loss(u: torch.Tensor) -> torch.Tensor:
    """How far bits [count, bit] in −1…1 are from being fair coins that know nothing of each other."""
    together = u.T @ u / len(u)
    together = together - torch.diag_embed(together.diagonal())
    return u.mean(0).pow(2).mean() + together.pow(2).sum() / (u.shape[1] * (u.shape[1] - 1))


@torch.no_grad()
def measure(model: MAGVITv2, count: int = 256) -> dict[str, float]:
    """PSNR in dB over fresh scenes, the mean entropy of a bit, and the share of codes ever used."""
    total, codes, zs = 0.0, [], []
    for start in range(0, count, 16):
        x = batch(FRESH + start, 16)[0]
        z = model.encoder(x)
        zs.append((z > 0).float().mean((0, 2, 3)))
        codes.append(model.codes(z))
        y = model.decode(codes[-1], SIDE).clamp(-1, 1)
        total += -10 * torch.log10(((y - x) / 2).pow(2).mean((1, 2, 3))).sum().item()
    p = torch.stack(zs).mean(0).clamp(1e-6, 1 - 1e-6)
    entropy = -(p * p.log2() + (1 - p) * (1 - p).log2()).mean().item()
    return dict(psnr=total / count, bit_entropy=entropy, used=len(torch.cat(codes).unique()))


def main() -> None:
    parser = common.arguments(__doc__)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--known", type=float, default=0.5, help="weight of what codes have to know")
    parser.add_argument("--looks", type=float, default=0.3, help="weight of looking alike to the reader")
    parser.add_argument("--reader", type=Path, required=True, help="folder of a judge of another seed")
    parser.add_argument("--start-from", type=Path, help="an exported storyteller to go on from")
    parser.add_argument("--decoder-only", action="store_true")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    common.prepare(options)
    device = options.device
    stage = "tokens-decoder" if options.decoder_only else "tokens"
    checkpoint = common.Checkpoint(options.work / f"{stage}.pt", options.piece_mb)

    model = MAGVITv2(CONFIG).to(device, memory_format=torch.channels_last)
    if options.decoder_only:
        model.load_state_dict(common.Checkpoint(options.work / "tokens.pt").load(device)["average"])
        model.encoder.requires_grad_(False)
    elif options.start_from:
        tensors = load_file(options.start_from / "magvitv2" / "model.safetensors")
        model.load_state_dict({name: x.float() for name, x in tensors.items()})
    else:
        from_autoencoder(model, trained(options.work))
    both = nn.ModuleDict(dict(model=model, cells=Cells(model.bits).to(device)))
    reader = Judge.load(options.reader).to(device, memory_format=torch.channels_last).requires_grad_(False)
    average = common.Average(model)
    optimizer = Muon(both, options.learning_rate, (0.9, 0.99), 1e-4)
    step, clock = common.resume(checkpoint, options, both, optimizer, average)

    def loss_of(x, weights, cells, hard):
        with common.autocast(device):
            with torch.set_grad_enabled(not options.decoder_only):
                z = model.encoder(x)
        u = torch.tanh(z.float())
        # Straight through; at first the decoder sees something of how sure the encoder is.
        q = u + hard * (torch.where(u > 0, 1.0, -1.0) - u).detach()
        with common.autocast(device):
            y = model.decoder(q)
            known = both["cells"](q, cells)
            looks = looks_loss(reader, y, x, weights)
        flat = u.permute(0, 2, 3, 1).flatten(0, 2)
        commit = (1 - flat.abs()).pow(2).mean()
        return reconstruction_loss(y.float(), x, weights), looks, *known, balance_loss(flat), commit

    names = ("loss", "looks", "alone", "known", "balance", "commit")
    factors = (1, options.looks, options.known / 2, options.known / 2, 0.1, 0.02)
    objective = torch.compile(loss_of) if options.compile else loss_of
    with ThreadPool(1) as pool:

        def ahead(step: int):
            return pool.apply_async(batch, (options.seed * 10**9 + step * options.batch, options.batch))

        coming = ahead(step)
        while clock.progress < 1:
            x, *facts = coming.get()
            coming = ahead(step + 1)
            x = x.to(device, memory_format=torch.channels_last)
            begun = options.decoder_only or options.start_from
            hard = torch.tensor(1.0 if begun else min(1.0, clock.progress / 0.1))
            common.set_rate(optimizer, options.learning_rate * clock.rate(step))
            losses = objective(x, *(fact.to(device) for fact in facts), hard.to(device))
            common.descend(sum(w * loss for w, loss in zip(factors, losses)), both, optimizer)
            average.update(model, step)
            step += 1
            clock.tick()
            if step % 50 == 0:
                common.log(
                    options.work / f"{stage}.log", step=step, minutes=clock.spent / 60,
                    **{name: loss.item() for name, loss in zip(names, losses)},
                )
            common.save(checkpoint, clock, model=both, average=average.model, optimizer=optimizer,
                        step=step)
            if step % 500 == 0 or clock.progress >= 1:
                common.log(options.work / f"{stage}.log", step=step, **measure(average.model))


if __name__ == "__main__":
    main()
