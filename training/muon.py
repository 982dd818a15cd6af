"""Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon): steps of equal size in all directions.

The momentum of each weight matrix is replaced by the nearest half-orthogonal matrix, found by five
Newton–Schulz iterations, with the step's size as in AdamW (Liu et al. 2025, arXiv:2502.16982), so that one
learning rate serves both. Convolutions count as matrices [out, in · height · width]; what is no matrix
(biases, norms, embeddings), and first and last layers, go to AdamW.
"""

from __future__ import annotations

import torch

import common


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """[count, rows, columns] → about U Vᵀ of each one's U S Vᵀ."""
    x = matrices.bfloat16() if common.has_fast_bfloat16(matrices.device.type) else matrices
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.mT
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x.mT if tall else x).float()


class Muon(torch.optim.Optimizer):
    """Muon for a model's hidden matrices, AdamW for the rest."""

    def __init__(self, model: torch.nn.Module, rate: float, betas=(0.9, 0.98), decay: float = 0.01):
        named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]

        def is_hidden(name: str, p: torch.nn.Parameter) -> bool:
            outer = ("embedding", "conv_in", "conv_out", "quant_conv", "questions", "things", "place")
            return p.ndim >= 2 and not any(word in name for word in outer)

        hidden = [p for name, p in named if is_hidden(name, p)]
        other = [p for name, p in named if not is_hidden(name, p)]
        shared = dict(lr=rate, betas=betas, weight_decay=decay)
        super().__init__([dict(params=hidden, **shared)], {})
        self.adam = torch.optim.AdamW(other, fused=True, **dict(shared, weight_decay=0.0))
        self.param_groups += self.adam.param_groups

    @torch.no_grad()
    def step(self) -> None:
        group = self.param_groups[0]
        alike: dict[tuple[int, int], list] = {}
        for p in group["params"]:
            if p.grad is not None:
                momentum = self.state[p].setdefault("momentum", torch.zeros_like(p.grad))
                momentum.lerp_(p.grad, 0.05)
                ahead = p.grad.lerp(momentum, 0.95).flatten(1)
                alike.setdefault(tuple(ahead.shape), []).append((p, ahead))
        for shape, members in alike.items():
            updates = orthogonal(torch.stack([ahead for _, ahead in members]))
            size = -group["lr"] * 0.2 * max(shape) ** 0.5
            for (p, _), update in zip(members, updates):
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update.view(p.shape), alpha=size)
        self.adam.step()

    def state_dict(self) -> dict:
        momenta = [self.state[p].get("momentum") for p in self.param_groups[0]["params"]]
        return dict(momenta=momenta, adam=self.adam.state_dict())

    def load_state_dict(self, state: dict) -> None:
        for p, momentum in zip(self.param_groups[0]["params"], state["momenta"]):
            if momentum is not None:
                self.state[p]["momentum"] = momentum
        self.adam.load_state_dict(state["adam"])
        self.param_groups[1:] = self.adam.param_groups
