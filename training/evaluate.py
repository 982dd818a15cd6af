"""Eight questions of pictures that Lantern draws: the six of GenEval (Ghosh et al. 2023, arXiv:2310.11513),
and the two that a sentence of many things asks.

    evaluate --work FOLDER [--model ../weights/picturebook] [--count 100] [--seed 1] [OPTION FOR lantern…]

A hundred prompts of each kind from a seed; half of them hold what was never trained on: a held-out colour
on a subject, or two held-out subjects together. `lantern image` draws them into FOLDER (once: a second run
goes on), and the judge answers yes or no for each picture. GenEval's questions ask for one ability each:
counting does not ask for colours, nor do positions. *Mixed counts* ("three red apples and a banana") and
*three or four different things* ("a cat, a blue dog and a fox") ask for all that the prompt says: every
thing, in its colour where one is named, and for mixed counts exactly as many of each.

Beside the scores stands how often the judge says yes to a scene rendered for the same prompt, and no to the
scene of the next prompt: what it would give to a perfect painter, and to one who paints something else.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image

import scenes
from judge import Judge, Seen
from scenes import Thing
from train_judge import test, whole

HERE = Path(__file__).resolve().parent
KINDS = {
    "single": "single subject", "two": "two subjects", "counting": "counting", "colours": "colours",
    "position": "position", "binding": "colour binding", "mixed": "mixed counts",
    "different": "three or four different things",
}
# How many of each subject there are, up to four things in all.
NUMBERS = {
    "mixed": [(1, 2), (2, 1), (2, 2), (1, 3), (3, 1), (1, 1, 2), (1, 2, 1), (2, 1, 1)],
    "different": [(1, 1, 1), (1, 1, 1, 1)],
}
RELATIONS = {
    "to the left of": (-1, 0), "to the right of": (1, 0), "above": (0, -1), "below": (0, 1),
}


@dataclass(frozen=True)
class Question:
    """A prompt, the things that would answer it, and whether they were held out of training."""

    kind: str
    prompt: str
    things: tuple[Thing, ...]
    place: str
    held_out: bool

    def answer(self, seen: list[Seen]) -> bool:
        """Whether what the judge has seen is what the prompt says."""
        if self.kind in NUMBERS:
            return self._has_all(seen)
        asked_colour = self.kind in ("colours", "binding")
        found = []
        for thing in dict.fromkeys((t.subject, t.colour) for t in self.things):
            alike = [s for s in seen if s.subject == thing[0]]
            if asked_colour:
                alike = [s for s in alike if s.colour == thing[1]]
            if not alike:
                return False
            found.append(max(alike, key=lambda s: s.certainty))
        if self.kind == "counting":
            return sum(s.subject == self.things[0].subject for s in seen) == len(self.things)
        if self.kind == "position":
            (a, b), (first, second) = found, self.things
            across, down = np.sign(first.x - second.x), np.sign(first.y - second.y)
            # Off by at least two of the judge's places, in the direction that was asked for.
            return bool((a.x - b.x) * across >= 16 if abs(first.x - second.x) > 20
                        else (a.y - b.y) * down >= 16)
        return True

    def _has_all(self, seen: list[Seen]) -> bool:
        for (subject, colour), number in Counter((t.subject, t.colour) for t in self.things).items():
            alike = [s for s in seen if s.subject == subject]
            if self.kind == "mixed" and len(alike) != number:
                return False
            if sum(colour in (None, s.colour) for s in alike) < number:
                return False
        return True

    def scene(self, rng: random.Random) -> Image.Image:
        """A rendered picture that answers it."""
        return scenes.paint(list(self.things), self.place, rng)


def _pick(rng: random.Random, held_out: bool) -> tuple[str, str]:
    """A colour and a subject, both trained on together or not."""
    while True:
        colour, subject = rng.choice(list(scenes.COLOURS)), rng.choice(scenes.SUBJECTS)
        if scenes.held_out(colour, subject) == held_out:
            return colour, subject


def _pick_two(rng: random.Random, held_out: bool) -> tuple[str, str]:
    while True:
        first, second = rng.sample(scenes.SUBJECTS, 2)
        if scenes.held_out_pair(first, second) == held_out:
            return first, second


def _many(kind: str, held_out: bool, rng: random.Random) -> tuple[list[Thing], str]:
    """Things of several kinds, and what is said of them."""
    numbers = rng.choice(NUMBERS[kind])
    while True:
        subjects = rng.sample(scenes.SUBJECTS, len(numbers))
        things, phrase = scenes.counted(
            list(zip(subjects, numbers)), scenes.Dice(rng.getrandbits(32), everything=held_out)
        )
        strange = any(scenes.held_out(thing.colour, thing.subject) for thing in things) or any(
            scenes.held_out_pair(*pair) for pair in combinations(subjects, 2)
        )
        if strange == held_out:
            return things, phrase


def question(kind: str, held_out: bool, rng: random.Random) -> Question:
    """A prompt of a kind, in one of its wordings, at any place."""
    where = rng.choice(scenes.PLACES)
    if kind in NUMBERS:
        things, phrase = _many(kind, held_out, rng)
        prompt = scenes.told(phrase, where, rng.random() < 0.25)
        return Question(kind, prompt, tuple(things), where, held_out)
    spots, sizes, middle = list(scenes.SIDES), scenes.BESIDE[""], "and"
    if kind in ("two", "position"):
        kinds = [(None, subject) for subject in _pick_two(rng, held_out)]
    elif kind == "binding":
        while True:
            kinds = [_pick(rng, held_out), _pick(rng, held_out)]
            subjects = (kinds[0][1], kinds[1][1])
            if len(set(subjects)) == 2 and (held_out or not scenes.held_out_pair(*subjects)):
                break
    else:
        kinds = [_pick(rng, held_out)]
        if kind != "colours" and not held_out:
            kinds = [(None, kinds[0][1])]
        spots, sizes = [(64, 66)], scenes.ALONE[""]
        if kind == "counting":
            kinds *= rng.choice(list(scenes.COUNTS))
            spots, sizes = scenes.SPOTS[len(kinds)], scenes.BESIDE[""]
    if kind == "position":
        middle = rng.choice(list(RELATIONS))
        across, down = RELATIONS[middle]
        spots = list(scenes.SIDES if across else scenes.STACK)[:: -1 if across + down > 0 else 1]
    things = tuple(
        Thing(subject, colour, x, y, rng.randint(*sizes))
        for (colour, subject), (x, y) in zip(kinds, spots)
    )
    if kind == "counting":
        phrase = scenes.plural(things[0].subject, things[0].colour, len(things))
    else:
        phrase = f" {middle} ".join(scenes.noun(thing) for thing in things)
    prompt = scenes.told(phrase, where, rng.random() < 0.25)
    return Question(kind, prompt, things, where, held_out)


def questions(seed: int, count: int) -> list[Question]:
    """`count` of each kind, the second half on what was held out."""
    rng = random.Random(seed)
    return [
        question(kind, index >= count // 2, rng) for kind in KINDS for index in range(count)
    ]


def draw_one(path: Path, prompt: str, seed: int, options: argparse.Namespace, extra: list[str]) -> Path:
    """A prompt's picture by `lantern image`; one that is there stays."""
    if not path.exists():
        subprocess.run(
            [options.lantern, "image", prompt, "-m", options.model, "-o", path, "-q",
             "--threads", "1", "--seed", str(seed), *extra],
            check=True, stdout=subprocess.DEVNULL,
        )
    return path


def draw(asked: dict[int, Question], options: argparse.Namespace, extra: list[str]) -> list[Path]:
    """Every prompt's picture, two processes at a time."""
    def one(index: int) -> Path:
        path = options.work / f"{options.seed}-{index:04d}.png"
        return draw_one(path, asked[index].prompt, options.seed * 10_000 + index, options, extra)

    with ThreadPoolExecutor(options.workers) as pool:
        paths = []
        for path in pool.map(one, asked):
            paths.append(path)
            if len(paths) % 100 == 0:
                print(f"drawn {len(paths)} of {len(asked)}", flush=True)
    return paths


def interval(right: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % confidence interval of a share."""
    z = 1.96
    share, spread = right / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / count / 4)
    return middle - half, middle + half


def overall(answers: dict[str, list[bool]]) -> tuple[float, float, float]:
    """The mean of the kinds' shares and its 95 % confidence interval.

    The interval is as wide as if two more answers of each kind were right and two wrong: none wrong
    would mean no doubt otherwise (Agresti & Coull 1998).
    """
    mean, variance = float(np.mean([np.mean(found) for found in answers.values()])), 0.0
    for found in answers.values():
        share = (sum(found) + 2) / (len(found) + 4)
        variance += share * (1 - share) / (len(found) + 4) / len(answers) ** 2
    half = 1.96 * math.sqrt(variance)
    return mean, max(mean - half, 0), min(mean + half, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder for the pictures and results")
    parser.add_argument("--model", type=Path, default=HERE / "../weights/picturebook")
    parser.add_argument("--judge", type=Path, default=HERE / "../weights/judge")
    parser.add_argument("--lantern", type=Path, default=HERE / "../.build/release/lantern")
    parser.add_argument("--count", type=int, default=100, help="prompts of each kind")
    parser.add_argument("--every", type=int, default=1, metavar="N",
                        help="ask each N-th question alone, of the same prompts, seeds and pictures")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2, help="pictures drawn at once")
    parser.add_argument("--sheet", type=Path, help="also a sheet of the pictures, the wrong ones marked")
    options, extra = parser.parse_known_args()
    options.work.mkdir(parents=True, exist_ok=True)

    judge = Judge.load(options.judge)
    accuracy = test(judge, "cpu", 1000)
    print(f"judge: everything right in {accuracy['all']:.1%} of 1000 fresh rendered scenes")
    numbered = dict(list(enumerate(questions(options.seed, options.count)))[:: options.every])
    asked = list(numbered.values())
    pictures = np.stack([
        np.asarray(Image.open(path).convert("RGB")) for path in draw(numbered, options, extra)
    ])
    rendered = np.stack([np.asarray(q.scene(random.Random(i))) for i, q in numbered.items()])

    def look(pictures: np.ndarray) -> list[tuple[list[Seen], str]]:
        return [
            seen for i in range(0, len(pictures), 100)
            for seen in judge.read(whole(pictures[i : i + 100], "cpu"))
        ]

    seen, truth = look(pictures), look(rendered)
    results, known, held, rows = {}, {}, {}, []
    places = [place == q.place for q, (_, place) in zip(asked, seen)]
    wrong = []
    for kind, name in KINDS.items():
        mine = [i for i, q in enumerate(asked) if q.kind == kind]
        answers = [asked[i].answer(seen[i][0]) for i in mine]
        wrong += [i for i, answer in zip(mine, answers) if not answer]
        results[kind] = answers
        known[kind] = [a for i, a in zip(mine, answers) if not asked[i].held_out]
        held[kind] = [a for i, a in zip(mine, answers) if asked[i].held_out]
        yes = np.mean([asked[i].answer(truth[i][0]) for i in mine])
        no = np.mean([
            not asked[i].answer(truth[j][0]) for i, j in zip(mine, mine[1:] + mine[:1])
            if asked[i].things != asked[j].things
        ])
        shares = [
            f"{np.mean(found):.2f} | {low:.2f}–{high:.2f}"
            for found in (answers, known[kind], held[kind])
            for low, high in [interval(sum(found), len(found))]
        ]
        rows.append(f"| {name} | {' | '.join(shares)} | {yes:.2f}, {no:.2f} |")
    print("\n| question | score | 95 % | trained on | 95 % | held out | 95 % "
          "| judge: yes to right, no to other |")
    print("|---|---|---|---|---|---|---|---|")
    print("\n".join(rows))
    means = [overall(found) for found in (results, known, held)]
    print("| **mean of eight** | " + " | ".join(
        f"**{mean:.3f}** | {low:.3f}–{high:.3f}" for mean, low, high in means) + " | |")
    six = {kind: found for kind, found in results.items() if kind not in NUMBERS}
    mean, low, high = overall(six)
    print(f"\nmean of GenEval's six: {mean:.3f} ({low:.3f}–{high:.3f})")
    print(f"place as asked: {np.mean(places):.1%} of {len(places)}")
    (options.work / f"results-{options.seed}.json").write_text(json.dumps(dict(
        **{name: dict(zip(("mean", "low", "high"), found))
           for name, found in zip(("overall", "trained", "held_out"), means)},
        six=dict(mean=mean, low=low, high=high), judge=accuracy, places=float(np.mean(places)),
        questions=[
            dict(kind=q.kind, prompt=q.prompt, held_out=q.held_out, right=right,
                 seen=[f"{s.colour} {s.subject} at {s.x:.0f},{s.y:.0f}" for s in seen[i][0]])
            for i, (q, right) in enumerate(zip(asked, sum(results.values(), [])))
        ],
    ), indent=1))
    if options.sheet:
        from sheet import grid

        marked = [("wrong: " if i in set(wrong) else "") + q.prompt for i, q in enumerate(asked)]
        chosen = [i for kind in KINDS for i in range(len(asked)) if asked[i].kind == kind][:: max(
            1, len(asked) // 120)]
        grid(pictures[chosen], 12, [marked[i] for i in chosen]).save(options.sheet)


if __name__ == "__main__":
    main()
