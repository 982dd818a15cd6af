"""The three networks in plain PyTorch, with the key names of diffusers and transformers.

`AutoencoderKL`, `UNet2DConditionModel` and `CLIPTextModel` compute what their namesakes compute, in
the forms that the picturebook uses, so training needs neither package; `check_models.py` compares them.
Pictures and latents are [batch, channel, height, width], texts [batch, token, feature].
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn


class ResnetBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, groups: int, eps: float, time: int | None = None):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, inputs, eps=eps)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        if time:
            self.time_emb_proj = nn.Linear(time, outputs)
        self.norm2 = nn.GroupNorm(groups, outputs, eps=eps)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        if inputs != outputs:
            self.conv_shortcut = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: torch.Tensor, time: torch.Tensor | None = None) -> torch.Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        if time is not None:
            h = h + self.time_emb_proj(time)[:, :, None, None]
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (self.conv_shortcut(x) if hasattr(self, "conv_shortcut") else x)


class Downsample(nn.Module):
    def __init__(self, channels: int, padding: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2, padding=padding)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # The autoencoder pads right and below only, the U-Net on all sides.
        return self.conv(x if self.conv.padding[0] else F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    def __init__(self, channels: int):
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Block(nn.Module):
    """Residual blocks, attention after each where wanted, then a change of size where wanted."""

    def __init__(self, resnets, attentions=(), down: nn.Module | None = None, up: nn.Module | None = None):
        super().__init__()
        self.resnets = nn.ModuleList(resnets)
        if attentions:
            self.attentions = nn.ModuleList(attentions)
        if down:
            self.downsamplers = nn.ModuleList([down])
        if up:
            self.upsamplers = nn.ModuleList([up])


# ---- the autoencoder (Rombach et al. 2021, arXiv:2112.10752) ----------------------------------------


class Encoder(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        widths, groups = config["block_out_channels"], config["norm_num_groups"]
        self.conv_in = nn.Conv2d(3, widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList()
        before = widths[0]
        for index, width in enumerate(widths):
            resnets = [
                ResnetBlock(before if j == 0 else width, width, groups, 1e-6)
                for j in range(config["layers_per_block"])
            ]
            last = index == len(widths) - 1
            self.down_blocks.append(Block(resnets, down=None if last else Downsample(width, 0)))
            before = width
        self.mid_block = Block([ResnetBlock(before, before, groups, 1e-6) for _ in range(2)])
        self.conv_norm_out = nn.GroupNorm(groups, before, eps=1e-6)
        self.conv_out = nn.Conv2d(before, 2 * config["latent_channels"], 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.conv_in(x)
        for block in self.down_blocks:
            for resnet in block.resnets:
                x = resnet(x)
            if hasattr(block, "downsamplers"):
                x = block.downsamplers[0](x)
        for resnet in self.mid_block.resnets:
            x = resnet(x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class Decoder(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        widths, groups = config["block_out_channels"][::-1], config["norm_num_groups"]
        before = widths[0]
        self.conv_in = nn.Conv2d(config["latent_channels"], before, 3, padding=1)
        self.mid_block = Block([ResnetBlock(before, before, groups, 1e-6) for _ in range(2)])
        self.up_blocks = nn.ModuleList()
        for index, width in enumerate(widths):
            resnets = [
                ResnetBlock(before if j == 0 else width, width, groups, 1e-6)
                for j in range(config["layers_per_block"] + 1)
            ]
            last = index == len(widths) - 1
            self.up_blocks.append(Block(resnets, up=None if last else Upsample(width)))
            before = width
        self.conv_norm_out = nn.GroupNorm(groups, before, eps=1e-6)
        self.conv_out = nn.Conv2d(before, 3, 3, padding=1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        x = self.conv_in(z)
        for resnet in self.mid_block.resnets:
            x = resnet(x)
        for block in self.up_blocks:
            for resnet in block.resnets:
                x = resnet(x)
            if hasattr(block, "upsamplers"):
                x = block.upsamplers[0](x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class AutoencoderKL(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        channels = config["latent_channels"]
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.quant_conv = nn.Conv2d(2 * channels, 2 * channels, 1)
        self.post_quant_conv = nn.Conv2d(channels, channels, 1)

    def encode(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and log-variance of a picture's latent."""
        mean, log_variance = self.quant_conv(self.encoder(x)).chunk(2, 1)
        return mean, log_variance.clamp(-30, 20)

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return self.decoder(self.post_quant_conv(z))


# ---- the text encoder (Radford et al. 2021, arXiv:2103.00020) ---------------------------------------


class SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        for name in ("k_proj", "v_proj", "q_proj", "out_proj"):
            setattr(self, name, nn.Linear(width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q, k, v = (
            f(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for f in (self.q_proj, self.k_proj, self.v_proj)
        )
        h = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out_proj(h.transpose(1, 2).flatten(2))


class CLIPLayer(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        width = config["hidden_size"]
        self.self_attn = SelfAttention(width, config["num_attention_heads"])
        self.layer_norm1 = nn.LayerNorm(width)
        self.mlp = nn.ModuleDict(
            dict(fc1=nn.Linear(width, config["intermediate_size"]),
                 fc2=nn.Linear(config["intermediate_size"], width))
        )
        self.layer_norm2 = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.self_attn(self.layer_norm1(x))
        h = self.mlp["fc1"](self.layer_norm2(x))
        return x + self.mlp["fc2"](h * torch.sigmoid(1.702 * h))


class CLIPTextModel(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        width = config["hidden_size"]
        self.embeddings = nn.ModuleDict(
            dict(token_embedding=nn.Embedding(config["vocab_size"], width),
                 position_embedding=nn.Embedding(config["max_position_embeddings"], width))
        )
        for table in self.embeddings.values():
            nn.init.normal_(table.weight, std=0.02)
        self.encoder = nn.ModuleDict(
            dict(layers=nn.ModuleList(CLIPLayer(config) for _ in range(config["num_hidden_layers"])))
        )
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """The last hidden state, [batch, token, feature]."""
        positions = self.embeddings["position_embedding"].weight[: ids.shape[1]]
        x = self.embeddings["token_embedding"](ids) + positions
        for layer in self.encoder["layers"]:
            x = layer(x)
        return self.final_layer_norm(x)


# ---- the U-Net ---------------------------------------------------------------------------------------


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, context: int):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context, width, bias=False)
        self.to_v = nn.Linear(context, width, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, x: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        q, k, v = (
            f(y).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for f, y in ((self.to_q, x), (self.to_k, context), (self.to_v, context))
        )
        # By hand: with so few tokens PyTorch's fused attention takes longer to train on a CPU.
        h = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1) @ v
        return self.to_out[0](h.transpose(1, 2).flatten(2))


class GEGLU(nn.Module):
    def __init__(self, width: int, inner: int):
        super().__init__()
        self.proj = nn.Linear(width, 2 * inner)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h, gate = self.proj(x).chunk(2, -1)
        return h * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.net = nn.ModuleList(
            [GEGLU(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width)]
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net[2](self.net[0](x))


class TransformerBlock(nn.Module):
    def __init__(self, width: int, heads: int, context: int):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn1 = Attention(width, heads, width)
        self.norm2 = nn.LayerNorm(width)
        self.attn2 = Attention(width, heads, context)
        self.norm3 = nn.LayerNorm(width)
        self.ff = FeedForward(width)

    def forward(self, x: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        h = self.norm1(x)
        x = x + self.attn1(h, h)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class Transformer2D(nn.Module):
    def __init__(self, width: int, heads: int, context: int, groups: int):
        super().__init__()
        self.norm = nn.GroupNorm(groups, width, eps=1e-6)
        self.proj_in = nn.Linear(width, width)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(width, heads, context)])
        self.proj_out = nn.Linear(width, width)

    def forward(self, x: torch.Tensor, context: torch.Tensor) -> torch.Tensor:
        h = self.proj_in(self.norm(x).permute(0, 2, 3, 1).flatten(1, 2))
        h = self.proj_out(self.transformer_blocks[0](h, context))
        return x + h.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)


class TimeEmbedding(nn.Module):
    def __init__(self, channels: int, width: int):
        super().__init__()
        self.channels = channels
        self.linear_1 = nn.Linear(channels, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, times: torch.Tensor) -> torch.Tensor:
        half = self.channels // 2
        rates = torch.exp(torch.arange(half, device=times.device) * (-math.log(10000) / half))
        angles = times[:, None].float() * rates
        return self.linear_2(F.silu(self.linear_1(torch.cat([angles.cos(), angles.sin()], -1))))


class UNet2DConditionModel(nn.Module):
    """Blocks without attention where there are many places, with it where there are few."""

    def __init__(self, config: dict):
        super().__init__()
        widths, groups = config["block_out_channels"], config["norm_num_groups"]
        layers, heads = config["layers_per_block"], config["attention_head_dim"]
        context, time = config["cross_attention_dim"], 4 * widths[0]
        self.conv_in = nn.Conv2d(config["in_channels"], widths[0], 3, padding=1)
        self.time_embedding = TimeEmbedding(widths[0], time)

        def resnet(inputs: int, outputs: int) -> ResnetBlock:
            return ResnetBlock(inputs, outputs, groups, 1e-5, time)

        def transformer(index: int) -> Transformer2D:
            return Transformer2D(widths[index], heads[index], context, groups)

        self.down_blocks = nn.ModuleList()
        before, skips = widths[0], [widths[0]]
        for index, kind in enumerate(config["down_block_types"]):
            width, last = widths[index], index == len(widths) - 1
            resnets = [resnet(before if j == 0 else width, width) for j in range(layers)]
            attentions = [transformer(index) for _ in resnets] if "CrossAttn" in kind else []
            self.down_blocks.append(
                Block(resnets, attentions, down=None if last else Downsample(width, 1))
            )
            skips += [width] * (layers + (not last))
            before = width
        self.mid_block = Block(
            [resnet(before, before), resnet(before, before)], [transformer(len(widths) - 1)]
        )
        self.up_blocks = nn.ModuleList()
        for position, kind in enumerate(config["up_block_types"]):
            index = len(widths) - 1 - position
            width = widths[index]
            resnets = []
            for _ in range(layers + 1):
                resnets.append(resnet(before + skips.pop(), width))
                before = width
            attentions = [transformer(index) for _ in resnets] if "CrossAttn" in kind else []
            self.up_blocks.append(Block(resnets, attentions, up=Upsample(width) if index else None))
        self.conv_norm_out = nn.GroupNorm(groups, before, eps=1e-5)
        self.conv_out = nn.Conv2d(before, config["out_channels"], 3, padding=1)

    def forward(
        self, x: torch.Tensor, times: torch.Tensor, context: torch.Tensor,
        added: list[torch.Tensor] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The prediction, and the middle's features [batch, channel, height, width].

        `added` to the skip connections, and at last to the middle, is what a ControlNet says.
        """
        time = F.silu(self.time_embedding(times))
        h = self.conv_in(x)
        skips = [h]
        for block in self.down_blocks:
            for j, resnet in enumerate(block.resnets):
                h = resnet(h, time)
                if hasattr(block, "attentions"):
                    h = block.attentions[j](h, context)
                skips.append(h)
            if hasattr(block, "downsamplers"):
                h = block.downsamplers[0](h)
                skips.append(h)
        h = self.mid_block.resnets[0](h, time)
        h = self.mid_block.attentions[0](h, context)
        h = middle = self.mid_block.resnets[1](h, time)
        if added:
            skips = [skip + own for skip, own in zip(skips, added)]
            h = h + added[-1]
        for block in self.up_blocks:
            for j, resnet in enumerate(block.resnets):
                h = resnet(torch.cat([h, skips.pop()], 1), time)
                if hasattr(block, "attentions"):
                    h = block.attentions[j](h, context)
            if hasattr(block, "upsamplers"):
                h = block.upsamplers[0](h)
        return self.conv_out(F.silu(self.conv_norm_out(h))), middle


def load_overlapping(model: nn.Module, tensors: dict[str, torch.Tensor]) -> None:
    """Takes what an earlier, perhaps narrower model has: the common corner of each tensor."""
    with torch.no_grad():
        for name, mine in model.named_parameters():
            if name in tensors and tensors[name].ndim == mine.ndim:
                corner = tuple(slice(min(a, b)) for a, b in zip(mine.shape, tensors[name].shape))
                mine[corner] = tensors[name][corner].to(mine)
