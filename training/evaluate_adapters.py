"""Do the adapters do what they say? Of pictures that Lantern draws with and without each, at the same seeds.

    python evaluate_adapters.py edges cyanotype turquoise --work FOLDER

- *edges*: scenes are rendered for prompts of evaluate.py's questions and given as pictures to follow. How many
  of their edges (`cv2.Canny`) are found in the drawn picture, at most so many pixels away, and how many of
  the drawn edges are the scene's; and whether the picture shows what its prompt says, by the judge.
- *cyanotype*: how far pixels are from the nearest colour that the filter can make, and pictures' mean
  colours from those of filtered scenes; and what the judge, who never saw a cyanotype, still finds.
- *turquoise*: the median hue of what is coloured, for each of the 48 things on a plain ground, beside that of
  its neighbours' words and of rendered scenes; and whether the judge finds the thing.
"""

from __future__ import annotations

import argparse
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

import adapters
import scenes
from evaluate import HERE, Question, draw_one, questions
from judge import Judge
from train_judge import whole


def near(edges: np.ndarray, pixels: int) -> np.ndarray:
    """What lies at most so many pixels from an edge, across and down."""
    return cv2.dilate(edges, np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)) > 0


def share(edges: np.ndarray, others: np.ndarray, pixels: int) -> float:
    """The share of edges that have one of the others near them."""
    return float(near(others, pixels)[edges > 0].mean())


class Painter:
    """Draws what is asked for, two pictures at a time; what is there stays."""

    def __init__(self, options: argparse.Namespace):
        self.options = options
        self.judge = Judge.load(HERE / "../weights/judge")

    def draw(self, name: str, prompts: list[str], extra=lambda index: []) -> np.ndarray:
        def one(index: int) -> np.ndarray:
            path = self.options.work / f"{name}-{index:02d}.png"
            draw_one(path, prompts[index], 20_000 + index, self.options, extra(index))
            return np.asarray(Image.open(path).convert("RGB"))

        with ThreadPoolExecutor(self.options.workers) as pool:
            return np.stack(list(pool.map(one, range(len(prompts)))))

    def look(self, pictures: np.ndarray) -> list:
        return [seen for seen, _ in self.judge.read(whole(pictures, "cpu"))]


def measure_edges(painter: Painter, asked: list[Question]) -> None:
    options = painter.options
    followed, guides = [], []
    for index, question in enumerate(asked):
        guides.append(options.work / f"scene-{index:02d}.png")
        question.scene(random.Random(index)).save(guides[-1])
        followed.append(adapters.edges(np.asarray(Image.open(guides[-1]))))

    def control(index: int) -> list[str]:
        return ["--control", f"{options.adapters}/edges:canny:{guides[index]}"]

    prompts = [question.prompt for question in asked]
    drawn = {"without": painter.draw("plain", prompts), "with": painter.draw("edges", prompts, control)}
    print("| edges | found within 1 pixel | within 2 | the scene's, of those drawn, within 2 | judge: as asked |")
    print("|---|---|---|---|---|")
    for name, pictures in drawn.items():
        own = [adapters.edges(picture) for picture in pictures]
        found = [np.mean([share(f, o, pixels) for f, o in zip(followed, own)]) for pixels in (1, 2)]
        back = np.mean([share(o, f, 2) for f, o in zip(followed, own) if o.any()])
        right = [q.answer(seen) for q, seen in zip(asked, painter.look(pictures))]
        print(f"| {name} | {found[0]:.3f} | {found[1]:.3f} | {back:.3f} | {sum(right)} of {len(right)} |")


def measure_cyanotype(painter: Painter, asked: list[Question]) -> None:
    options = painter.options
    lora = ["--lora", f"{options.adapters}/cyanotype.safetensors"]
    prompts = [question.prompt for question in asked]
    filtered = np.stack([
        adapters.cyanotype(np.asarray(q.scene(random.Random(i)))) for i, q in enumerate(asked)])
    palette = adapters.tones(np.linspace(0, 1, 256)).astype(np.float32)
    drawn = {
        "without": painter.draw("plain", prompts),
        "with": painter.draw("cyanotype", prompts, lambda _: lora), "the filter itself": filtered,
    }
    print("| cyanotype | colours off the filter's | mean colour off | judge: the things are there |")
    print("|---|---|---|---|")
    for name, pictures in drawn.items():
        pixels = pictures[:, ::2, ::2].reshape(-1, 1, 3).astype(np.float32)
        off = np.mean([
            np.sqrt(((p - palette) ** 2).sum(-1)).min(1).mean()
            for p in np.array_split(pixels, 100)])
        means = np.linalg.norm(pictures.mean((1, 2)) - filtered.mean((1, 2)), axis=-1).mean()
        there = [{t.subject for t in q.things} <= {s.subject for s in seen}
                 for q, seen in zip(asked, painter.look(pictures))]
        print(f"| {name} | {off:.1f} | {means:.1f} | {sum(there)} of {len(there)} |")


def hue(picture: np.ndarray) -> float:
    """The median hue, in degrees, of what is clearly coloured."""
    h, s, v = cv2.split(cv2.cvtColor(picture, cv2.COLOR_RGB2HSV_FULL))
    coloured = h[(s > 90) & (v > 60)]
    return float(np.median(coloured)) / 256 * 360 if len(coloured) else float("nan")


def measure_turquoise(painter: Painter, asked: list[Question]) -> None:
    options = painter.options
    embedding = ["--embedding", f"{options.adapters}/turquoise.safetensors"]
    scenes.COLOURS[adapters.WORD] = adapters.TONES
    rendered = np.stack([
        np.asarray(scenes.paint([scenes.Thing(s, adapters.WORD, 64, 66, 74)], "", random.Random(i)))
        for i, s in enumerate(scenes.SUBJECTS)])

    def prompts(word: str) -> list[str]:
        return [f"a {word} {subject}" for subject in scenes.SUBJECTS]

    rows = [(f"a {word} …, without", painter.draw(word, prompts(word)))
            for word in (adapters.BETWEEN[1], adapters.BETWEEN[0])]
    rows.insert(1, (f"a {adapters.WORD} …, with", painter.draw(
        adapters.WORD, prompts(adapters.WORD), lambda _: embedding)))
    rows.append((f"a {adapters.WORD} …, without", painter.draw("unknown", prompts(adapters.WORD))))
    rows.append(("scenes rendered so", rendered))
    print("| turquoise | median hue | nine tenths lie between | judge: the thing is there |")
    print("|---|---|---|---|")
    for name, pictures in rows:
        hues = np.array([hue(picture) for picture in pictures])
        low, middle, high = np.nanpercentile(hues, [5, 50, 95])
        there = [subject in {s.subject for s in seen}
                 for subject, seen in zip(scenes.SUBJECTS, painter.look(pictures))]
        print(f"| {name} | {middle:.0f}° | {low:.0f}°–{high:.0f}° | {sum(there)} of {len(there)} |")


KINDS = {"edges": measure_edges, "cyanotype": measure_cyanotype, "turquoise": measure_turquoise}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="+", choices=KINDS)
    parser.add_argument("--work", type=Path, required=True, help="folder for the pictures")
    parser.add_argument("--model", type=Path, default=HERE / "../weights/picturebook")
    parser.add_argument("--adapters", type=Path, default=HERE / "../weights/adapters")
    parser.add_argument("--lantern", type=Path, default=HERE / "../.build/release/lantern")
    parser.add_argument("--workers", type=int, default=2, help="pictures drawn at once")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    # Five of each kind but mixed counts and different things, of which the model gets half.
    asked = [q for i, q in enumerate(questions(3, 10)) if i < 60 and i % 2]
    painter = Painter(options)
    for kind in options.kinds:
        KINDS[kind](painter, asked)
        print()


if __name__ == "__main__":
    main()
