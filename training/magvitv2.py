"""Pictures as tokens: MAGVIT-v2's two-dimensional form (Yu et al. 2023, arXiv:2310.05737), as Show-o has it.

An encoder and a decoder like the autoencoder's, with lookup-free quantisation between them: each channel of
a place becomes one bit, its sign, and the bits together are the place's code. Key names are Show-o's.
Pictures are [batch, 3, height, width] in −1…1, codes [batch, height · width].
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from models import Downsample, Upsample

EPS = 1e-6


class ResnetBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, groups: int):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, inputs, eps=EPS)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = nn.GroupNorm(groups, outputs, eps=EPS)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        if inputs != outputs:
            self.nin_shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (self.nin_shortcut(x) if hasattr(self, "nin_shortcut") else x)


class AttnBlock(nn.Module):
    """One head over all places."""

    def __init__(self, width: int, groups: int):
        super().__init__()
        self.norm = nn.GroupNorm(groups, width, eps=EPS)
        for name in ("q", "k", "v", "proj_out"):
            setattr(self, name, nn.Conv2d(width, width, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.norm(x)
        q, k, v = (f(h).flatten(2) for f in (self.q, self.k, self.v))
        weights = (q.transpose(1, 2) @ k * q.shape[1] ** -0.5).softmax(-1)
        return x + self.proj_out((v @ weights.transpose(1, 2)).unflatten(2, x.shape[2:]))


class Middle(nn.Module):
    def __init__(self, width: int, groups: int):
        super().__init__()
        self.block_1 = ResnetBlock(width, width, groups)
        self.attn_1 = AttnBlock(width, groups)
        self.block_2 = ResnetBlock(width, width, groups)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.block_2(self.attn_1(self.block_1(x)))


class Level(nn.Module):
    """The residual blocks of one size, then a change of size where wanted."""

    def __init__(self, inputs: int, outputs: int, count: int, groups: int):
        super().__init__()
        self.block = nn.ModuleList(
            ResnetBlock(inputs if j == 0 else outputs, outputs, groups) for j in range(count)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for block in self.block:
            x = block(x)
        for name in ("downsample", "upsample"):
            x = getattr(self, name)(x) if hasattr(self, name) else x
        return x


class Encoder(nn.Module):
    def __init__(self, ch: int, ch_mult: list[int], num_res_blocks: list[int], z: int, groups: int):
        super().__init__()
        self.conv_in = nn.Conv2d(3, ch, 3, padding=1)
        self.down = nn.ModuleList()
        before = ch
        for index, (factor, count) in enumerate(zip(ch_mult, num_res_blocks)):
            level = Level(before, ch * factor, count, groups)
            before = ch * factor
            if index < len(ch_mult) - 1:
                level.downsample = Downsample(before, 0)
            self.down.append(level)
        self.mid = Middle(before, groups)
        self.norm_out = nn.GroupNorm(groups, before, eps=EPS)
        self.conv_out = nn.Conv2d(before, z, 3, padding=1)
        self.quant_conv = nn.Conv2d(z, z, 1)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """What the bits are made of, [batch, channel, row, column]: it knows more than they can say."""
        x = self.conv_in(x)
        for level in self.down:
            x = level(x)
        return F.silu(self.norm_out(self.mid(x)))

    def bits(self, features: torch.Tensor) -> torch.Tensor:
        return self.quant_conv(self.conv_out(features))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.bits(self.features(x))


class Decoder(nn.Module):
    def __init__(self, ch: int, ch_mult: list[int], num_res_blocks: list[int], z: int, groups: int):
        super().__init__()
        before = ch * ch_mult[-1]
        self.conv_in = nn.Conv2d(z, before, 3, padding=1)
        self.mid = Middle(before, groups)
        levels = []
        for index in reversed(range(len(ch_mult))):
            level = Level(before, ch * ch_mult[index], num_res_blocks[index], groups)
            before = ch * ch_mult[index]
            if index:
                level.upsample = Upsample(before)
            levels.insert(0, level)
        self.up = nn.ModuleList(levels)
        self.norm_out = nn.GroupNorm(groups, before, eps=EPS)
        self.conv_out = nn.Conv2d(before, 3, 3, padding=1)
        self.post_quant_conv = nn.Conv2d(z, z, 1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = self.mid(self.conv_in(self.post_quant_conv(z)))
        for level in reversed(self.up):
            x = level(x)
        return self.conv_out(F.silu(self.norm_out(x)))


class MAGVITv2(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        self.bits, groups = config["z_channels"], config["norm_num_groups"]
        self.encoder = Encoder(
            config["ch"], config["encoder_ch_mult"], config["encoder_num_res_blocks"], self.bits, groups
        )
        self.decoder = Decoder(
            config["ch"], config["decoder_ch_mult"], config["decoder_num_res_blocks"], self.bits, groups
        )

    def codes(self, z: torch.Tensor) -> torch.Tensor:
        """The encoder's output → codes; the first channel is the highest bit."""
        powers = 2 ** torch.arange(self.bits - 1, -1, -1, device=z.device)
        return ((z > 0).long() * powers[:, None, None]).sum(1).flatten(1)

    def decode(self, codes: torch.Tensor, side: int) -> torch.Tensor:
        """Codes → pictures."""
        shifts = torch.arange(self.bits - 1, -1, -1, device=codes.device)
        signs = (codes[..., None] >> shifts & 1) * 2.0 - 1
        return self.decoder(signs.transpose(1, 2).unflatten(2, (side, -1)))
