"""The judge's training, on rendered scenes of everything, held-out pairs too; it ends by saying how
often the judge is right about fresh ones.

    python train_judge.py --work FOLDER --minutes 20 [--out ../weights/judge]
    python train_judge.py --work FOLDER --test ../weights/judge
"""

from __future__ import annotations

import math
import random
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import common
import layout
import scenes
from judge import CONFIG, STRIDE, Judge
from muon import Muon

SIDE = scenes.SIZE // STRIDE
FRESH = 3 * 10**12  # seeds of the scenes that the judge is tested with


def render(first: int, count: int) -> tuple[np.ndarray, ...]:
    """Pictures [count, PIXELS, PIXELS, 3] and their answers on the grid: found, subject, colour, and the place.

    Right beside a thing's middle nothing is asked of `found`, but of subject and colour.
    """
    made = [scenes.scene(first + index, everything=True) for index in range(count)]
    answers = np.full((count, 3, SIDE, SIDE), layout.IGNORED, np.int64)
    answers[:, 0] = 0
    for answer, scene in zip(answers, made):
        middles = [(thing.x // STRIDE, thing.y // STRIDE, thing) for thing in scene.things]
        for x, y, thing in middles:
            around = (slice(max(y - 1, 0), y + 2), slice(max(x - 1, 0), x + 2))
            answer[0][around] = layout.IGNORED
            answer[1][around] = scenes.SUBJECTS.index(thing.subject)
            answer[2][around] = layout.colour(thing)
        for x, y, _ in middles:
            answer[0, y, x] = 1
    places = np.array([scenes.PLACES.index(scene.place) for scene in made])
    return np.stack([np.asarray(scene.picture) for scene in made]), answers, places


def disturbed(x: torch.Tensor, rng: random.Random) -> torch.Tensor:
    """As a decoder might have drawn it: softer, noisier, a little off in light and contrast."""
    if rng.random() < 0.4:
        soft = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), 3, 1)
        x = torch.lerp(x, soft, rng.uniform(0.3, 1.0))
    x = x * rng.uniform(0.92, 1.05) + rng.uniform(-0.05, 0.05)
    return x + rng.uniform(0, 0.06) * torch.randn_like(x)


def whole(pictures: np.ndarray, device: str) -> torch.Tensor:
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
    return x.to(device, memory_format=torch.channels_last)


def test(judge: Judge, device: str, count: int = 2000) -> dict[str, float]:
    """Shares of fresh scenes with everything right: things and where they are, colours, place."""
    right: dict[str, list[bool]] = {}
    for start in range(0, count, 100):
        made = [scenes.scene(FRESH + start + i, everything=True) for i in range(100)]
        pictures = np.stack([np.asarray(scene.picture) for scene in made])
        for scene, (seen, place) in zip(made, judge.read(whole(pictures, device))):
            things = sorted(scene.things, key=lambda thing: thing.x)
            pairs = []
            for thing in things:
                near = [s for s in seen if math.hypot(s.x - thing.x, s.y - thing.y) < 14]
                pairs += [(thing, s) for s in near[:1]]
            matched = len(pairs) == len(things) == len(seen)
            subjects = matched and all(t.subject == s.subject for t, s in pairs)
            colours = matched and all(t.colour in (None, s.colour) for t, s in pairs)
            facts = {"things": subjects, "colours": colours, "place": place == scene.place,
                     "all": subjects and colours, f"all of {len(things)}": subjects and colours}
            for name, fact in facts.items():
                right.setdefault(name, []).append(fact)
    return {name: sum(facts) / len(facts) for name, facts in sorted(right.items())}


def main() -> None:
    parser = common.arguments(__doc__)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--out", type=Path, help="folder for the trained judge")
    parser.add_argument("--test", type=Path, help="a judge's folder; only test it")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    common.prepare(options)
    device = options.device
    log = options.work / "judge.log"
    if options.test:
        common.log(log, **test(Judge.load(options.test).to(device), device))
        return
    checkpoint = common.Checkpoint(options.work / "judge.pt", options.piece_mb)
    judge = Judge(CONFIG).to(device, memory_format=torch.channels_last)
    average = common.Average(judge, 0.998)
    optimizer = Muon(judge, options.learning_rate, decay=0.02)
    step, clock = common.resume(checkpoint, options, judge, optimizer, average)

    def loss_of(x, answers, places):
        with common.autocast(device):
            things, place = judge(x)
        found, subject, colour = things.float().split(
            (1, len(scenes.SUBJECTS), len(scenes.COLOURS) + 1), 1
        )
        known = answers[:, 0] != layout.IGNORED
        wanted = answers[:, 0].clamp(min=0).float()
        there = F.binary_cross_entropy_with_logits(found[:, 0], wanted, reduction="none")
        # One place in a hundred holds a thing; each counts as much as forty without.
        there = (there * known * (1 + 39 * wanted)).mean()
        return (
            there + F.cross_entropy(subject, answers[:, 1], ignore_index=layout.IGNORED)
            + 0.5 * F.cross_entropy(colour, answers[:, 2], ignore_index=layout.IGNORED)
            + 0.1 * F.cross_entropy(place.float(), places)
        )

    objective = torch.compile(loss_of) if options.compile else loss_of
    sums = []
    with ProcessPoolExecutor(1) as pool:
        def ask(step: int):
            return pool.submit(render, (10 + options.seed) * 10**11 + step * options.batch, options.batch)

        coming = [ask(step), ask(step + 1)]
        while clock.progress < 1:
            pictures, answers, places = coming.pop(0).result()
            coming.append(ask(step + 2))
            x = disturbed(whole(pictures, device), random.Random(step))
            common.set_rate(optimizer, options.learning_rate * clock.rate(step, 200))
            loss = objective(
                x, torch.from_numpy(answers).to(device), torch.from_numpy(places).to(device)
            )
            common.descend(loss, judge, optimizer)
            average.update(judge, step)
            step += 1
            clock.tick()
            sums.append(loss.item())
            if step % 50 == 0:
                common.log(log, step=step, minutes=clock.spent / 60, loss=sum(sums) / len(sums))
                sums = []
            if step % 1000 == 0:
                common.log(log, step=step, **test(average.model, device, 300))
            common.save(checkpoint, clock, model=judge, average=average.model,
                        optimizer=optimizer, step=step)
    common.log(log, step=step, **test(average.model, device))
    if options.out:
        average.model.save(options.out)


if __name__ == "__main__":
    main()
