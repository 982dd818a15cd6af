"""A ControlNet in plain PyTorch, with diffusers' key names: the way down of a U-Net, which takes a picture
too, and 1×1 convolutions behind it that begin as zeros (Zhang et al. 2023, arXiv:2302.05543).

The smallest that diffusers' `ControlNetModel` allows: without attention, since where a line is needs no
words, and with one resnet in the middle (`UNetMidBlock2D`).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from models import Block, Downsample, ResnetBlock, TimeEmbedding, UNet2DConditionModel


def control_config(unet: dict, embedding: list[int]) -> dict:
    """The settings of a ControlNet for a U-Net; `embedding` has the channels of the picture's levels."""
    shared = ("in_channels", "block_out_channels", "layers_per_block", "attention_head_dim",
              "cross_attention_dim", "norm_num_groups", "use_linear_projection")
    return dict(
        **{name: unet[name] for name in shared},
        down_block_types=["DownBlock2D"] * len(unet["block_out_channels"]),
        mid_block_type="UNetMidBlock2D", conditioning_embedding_out_channels=embedding,
    )


class HintEmbedding(nn.Module):
    """The picture, level by level down to the latent's size."""

    def __init__(self, channels: list[int], outputs: int):
        super().__init__()
        self.conv_in = nn.Conv2d(3, channels[0], 3, padding=1)
        self.blocks = nn.ModuleList()
        for before, after in zip(channels, channels[1:]):
            self.blocks.append(nn.Conv2d(before, before, 3, padding=1))
            self.blocks.append(nn.Conv2d(before, after, 3, padding=1, stride=2))
        self.conv_out = nn.Conv2d(channels[-1], outputs, 3, padding=1)

    def forward(self, hint: torch.Tensor) -> torch.Tensor:
        h = F.silu(self.conv_in(hint))
        for block in self.blocks:
            h = F.silu(block(h))
        return self.conv_out(h)


class ControlNetModel(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        widths, groups = config["block_out_channels"], config["norm_num_groups"]
        time = 4 * widths[0]
        self.conv_in = nn.Conv2d(config["in_channels"], widths[0], 3, padding=1)
        self.time_embedding = TimeEmbedding(widths[0], time)
        self.controlnet_cond_embedding = HintEmbedding(
            config["conditioning_embedding_out_channels"], widths[0])

        def resnet(inputs: int, outputs: int) -> ResnetBlock:
            return ResnetBlock(inputs, outputs, groups, 1e-5, time)

        self.down_blocks = nn.ModuleList()
        before, skips = widths[0], [widths[0]]
        for index, width in enumerate(widths):
            last = index == len(widths) - 1
            resnets = [resnet(before if j == 0 else width, width)
                       for j in range(config["layers_per_block"])]
            self.down_blocks.append(Block(resnets, down=None if last else Downsample(width, 1)))
            skips += [width] * (len(resnets) + (not last))
            before = width
        self.mid_block = Block([resnet(before, before)])
        self.controlnet_down_blocks = nn.ModuleList(nn.Conv2d(width, width, 1) for width in skips)
        self.controlnet_mid_block = nn.Conv2d(before, before, 1)
        for convolution in (*self.controlnet_down_blocks, self.controlnet_mid_block):
            nn.init.zeros_(convolution.weight)
            nn.init.zeros_(convolution.bias)

    def begin_from(self, unet: UNet2DConditionModel) -> None:
        """Takes the U-Net's weights where it has the same layers."""
        own = self.state_dict()
        self.load_state_dict(
            {k: x for k, x in unet.state_dict().items() if k in own}, strict=False)

    def forward(
        self, x: torch.Tensor, times: torch.Tensor, hint: torch.Tensor
    ) -> list[torch.Tensor]:
        """What is added to each skip connection, and at last to the middle."""
        time = F.silu(self.time_embedding(times))
        h = self.conv_in(x) + self.controlnet_cond_embedding(hint)
        skips = [h]
        for block in self.down_blocks:
            for resnet in block.resnets:
                h = resnet(h, time)
                skips.append(h)
            if hasattr(block, "downsamplers"):
                h = block.downsamplers[0](h)
                skips.append(h)
        h = self.mid_block.resnets[0](h, time)
        added = [f(skip) for f, skip in zip(self.controlnet_down_blocks, skips)]
        return [*added, self.controlnet_mid_block(h)]
