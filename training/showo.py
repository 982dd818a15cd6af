"""Show-o's transformer (Xie et al. 2024, arXiv:2408.12528) in plain PyTorch: one sequence of words and codes.

Phi-1.5's layers (attention and MLP side by side, half of each head rotated) with normalised queries and
keys; the vocabulary is text, ten special tokens, the picture's codes and one mask token. Key names are
Show-o's. Tokens are [batch, token], hidden states [batch, token, feature].
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

SPECIALS = [
    "[PAD]", "<|soi|>", "<|eoi|>", "<|sov|>", "<|eov|>", "<|t2i|>", "<|mmu|>", "<|t2v|>", "<|v2v|>",
    "<|lvg|>",
]
COPY = 66  # tokens of a picture, from <|soi|> to <|eoi|>
CODE = -1  # a token that stands for itself, and not for a feature


class Tokens:
    """Which ids are what, for a text vocabulary that ends with <|endoftext|>."""

    def __init__(self, text_size: int, codebook_size: int):
        self.text_size = text_size
        self.pad, self.soi, self.eoi, _, _, self.t2i, self.mmu, _, _, self.lvg = (
            range(text_size, text_size + len(SPECIALS))
        )
        self.sot = self.eot = text_size - 1
        self.first_code = text_size + len(SPECIALS)
        self.mask = self.first_code + codebook_size
        self.size = self.mask + 1


def rotary(positions: torch.Tensor, width: int, theta: float) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines and sines [batch, 1, token, width] for the rotated part of a head."""
    rates = theta ** (-torch.arange(0, width, 2, device=positions.device).float() / width)
    angles = positions[:, None, :, None].float() * rates
    angles = torch.cat([angles, angles], -1)
    return angles.cos(), angles.sin()


def rotated(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    width = cos.shape[-1]
    turned, rest = x[..., :width], x[..., width:]
    a, b = turned.chunk(2, -1)
    return torch.cat([turned * cos + torch.cat([-b, a], -1) * sin, rest], -1)


class Attention(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        width, self.heads = config["hidden_size"], config["num_attention_heads"]
        for name in ("q_proj", "k_proj", "v_proj", "dense"):
            setattr(self, name, nn.Linear(width, width))
        for name in ("q_layernorm", "k_layernorm"):
            setattr(self, name, nn.LayerNorm(width // self.heads, eps=config["layer_norm_eps"]))

    def forward(self, x: torch.Tensor, turn, mask: torch.Tensor) -> torch.Tensor:
        q, k, v = (
            f(x).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for f in (self.q_proj, self.k_proj, self.v_proj)
        )
        q = rotated(self.q_layernorm(q), *turn).to(v.dtype) * q.shape[-1] ** -0.5
        k = rotated(self.k_layernorm(k), *turn).to(v.dtype)
        return self.dense(attention(q, k, v, mask).transpose(1, 2).flatten(2))


def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Of clean tokens to each other, and of pictures' masked copies to clean tokens and themselves.

    `mask` [batch, 1, query, clean key] is 0 or very negative; queries beyond the clean ones are copies of
    COPY tokens. By hand and in these parts: a third of the time of PyTorch's on a CPU.
    """
    clean = mask.shape[-1]
    scores = q @ k[:, :, :clean].transpose(-1, -2) + mask
    h = scores[:, :, :clean].softmax(-1) @ v[:, :, :clean]
    if q.shape[2] == clean:
        return h
    own_q, own_k, own_v = (x[:, :, clean:].unflatten(2, (-1, COPY)) for x in (q, k, v))
    own = (own_q @ own_k.transpose(-1, -2)).flatten(2, 3)
    weights = torch.cat([scores[:, :, clean:], own], -1).softmax(-1)
    copies = weights[..., :clean] @ v[:, :, :clean]
    copies = copies + (weights[..., clean:].unflatten(2, (-1, COPY)) @ own_v).flatten(2, 3)
    return torch.cat([h, copies], 2)


class Layer(nn.Module):
    def __init__(self, config: dict):
        super().__init__()
        width = config["hidden_size"]
        self.self_attn = Attention(config)
        self.mlp = nn.ModuleDict(
            dict(fc1=nn.Linear(width, config["intermediate_size"]),
                 fc2=nn.Linear(config["intermediate_size"], width))
        )
        self.input_layernorm = nn.LayerNorm(width, eps=config["layer_norm_eps"])

    def forward(self, x: torch.Tensor, turn, mask: torch.Tensor) -> torch.Tensor:
        h = self.input_layernorm(x)
        inner = F.gelu(self.mlp["fc1"](h), approximate="tanh")
        return x + self.self_attn(h, turn, mask) + self.mlp["fc2"](inner)


class Showo(nn.Module):
    """The transformer while it learns: words, codes and their bits have tables of their own.

    A picture that is to be told of is read by what its codes were made of, through `mm_projector`, as
    Show-o reads CLIP's features. A code's row is its own plus the sum of its bits', so what one code learns serves its neighbours;
    `folded` makes the one table that is shipped.
    """

    def __init__(self, config: dict, tokens: Tokens, bits: int, features: int):
        super().__init__()
        width = config["hidden_size"]
        self.config, self.tokens = config, tokens
        codes = 2**bits
        powers = torch.arange(bits - 1, -1, -1)
        self.register_buffer(
            "signs", (torch.arange(codes)[:, None] >> powers & 1) * 2.0 - 1, persistent=False
        )
        # Words and special tokens, then the mask.
        self.embedding = nn.Embedding(tokens.first_code + 1, width)
        self.code_embedding = nn.Parameter(torch.randn(codes, width) * 0.01)
        self.bit_embedding = nn.Parameter(torch.randn(bits, width) * 0.3 * bits**-0.5)
        nn.init.normal_(self.embedding.weight, std=0.3)
        self.mm_projector = nn.Sequential(nn.Linear(features, width), nn.GELU(), nn.Linear(width, width))
        self.layers = nn.ModuleList(Layer(config) for _ in range(config["num_hidden_layers"]))
        self.final_layernorm = nn.LayerNorm(width, eps=config["layer_norm_eps"])
        self.text_embedding_out = nn.Linear(width, tokens.first_code)
        self.code_embedding_out = nn.Linear(width, codes)
        self.bit_embedding_out = nn.Parameter(torch.zeros(bits, width))
        for head in (self.text_embedding_out, self.code_embedding_out):
            nn.init.normal_(head.weight, std=0.01)
            nn.init.zeros_(head.bias)
        for layer in self.layers:
            for last in (layer.self_attn.dense, layer.mlp["fc2"]):
                nn.init.normal_(last.weight, std=width**-0.5 * (2 * len(self.layers)) ** -0.5)

    def table(self) -> torch.Tensor:
        """The embedding of every token, [vocabulary, feature]."""
        first = self.tokens.first_code
        codes = self.code_embedding + self.signs @ self.bit_embedding
        words = self.embedding.weight
        return torch.cat([words[:first], codes, words[first:]])

    def code_head(self) -> torch.Tensor:
        return self.code_embedding_out.weight + self.signs @ self.bit_embedding_out

    def hidden(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor,
        feature: torch.Tensor, features: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The last hidden states, and those half way; `mask` as `attention` takes it.

        `feature` says for each token which of `features` [batch, place, channel] it shows, or CODE.
        """
        config = self.config
        part = int(config["partial_rotary_factor"] * config["hidden_size"] // config["num_attention_heads"])
        turn = rotary(positions, part, config["rope_theta"])
        x = F.embedding(ids, self.table())
        shown = self.mm_projector(features).to(x.dtype)
        shown = shown.gather(1, feature.clamp(min=0)[..., None].expand(-1, -1, x.shape[-1]))
        x = middle = torch.where((feature == CODE)[..., None], x, shown)
        for index, layer in enumerate(self.layers):
            x = layer(x, turn, mask)
            if index == len(self.layers) // 2 - 1:
                middle = x
        return self.final_layernorm(x), middle

    def text_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return self.text_embedding_out(hidden)

    def code_logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return F.linear(hidden, self.code_head(), self.code_embedding_out.bias)

    @torch.no_grad()
    def folded(self) -> dict[str, torch.Tensor]:
        """The weights under Show-o's names."""
        width = self.config["hidden_size"]
        tensors = {"showo.model.embed_tokens.weight": self.table()}
        for name, tensor in self.state_dict().items():
            if name.startswith(("layers.", "final_layernorm.")):
                tensors[f"showo.model.{name}"] = tensor
            elif name.startswith("mm_projector."):
                tensors[name] = tensor
        # The mask token is never written.
        tensors["showo.lm_head.weight"] = torch.cat(
            [self.text_embedding_out.weight, self.code_head(), torch.zeros(1, width)]
        )
        tensors["showo.lm_head.bias"] = torch.cat(
            [self.text_embedding_out.bias, self.code_embedding_out.bias, torch.full((1,), -1e4)]
        )
        return tensors

    @torch.no_grad()
    def unfold(self, tensors: dict[str, torch.Tensor]) -> None:
        """Takes over what `folded` made: bits get what codes have in common, codes the rest."""
        first, last = self.tokens.first_code, self.tokens.mask
        self.load_state_dict(
            {name.removeprefix("showo.model."): x for name, x in tensors.items()
             if name.startswith(("showo.model.layers.", "showo.model.final_layernorm.", "mm_projector."))},
            strict=False,
        )
        table, head = tensors["showo.model.embed_tokens.weight"], tensors["showo.lm_head.weight"]
        bias = tensors["showo.lm_head.bias"]
        self.embedding.weight.copy_(torch.cat([table[:first], table[last:]]))
        self.text_embedding_out.weight.copy_(head[:first])
        self.text_embedding_out.bias.copy_(bias[:first])
        self.code_embedding_out.bias.copy_(bias[first:last])
        for rows, own, shared in (
            (table[first:last], self.code_embedding, self.bit_embedding),
            (head[first:last], self.code_embedding_out.weight, self.bit_embedding_out),
        ):
            # The columns of signs are orthogonal.
            shared.copy_(self.signs.T @ rows / len(self.signs))
            own.copy_(rows - self.signs @ shared)
