"""A hundred stories and two hundred captions that Lantern writes, read back by program.

    evaluate_stories --work FOLDER [--model ../weights/storyteller] [--stories 100] [--captions 200]
        [--pages 4] [what else `lantern story` takes]

Stories: `lantern story` with prompts of fresh plots, half of them about a hero in a colour that training never
showed on it. Asked: do the words parse under the grammar of stories.py; does each picture show, by the judge,
what its page names, in its colour and in its place, and nobody else; does the hero keep its colour in all;
is the story about what the prompt says. Captions: `lantern caption` of fresh rendered scenes; is every
subject, number, colour and place right.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file

import scenes
import stories
import train_tokens
from evaluate import interval
from judge import Judge, Seen
from magvitv2 import MAGVITv2

HERE = Path(__file__).resolve().parent
FRESH = 5 * 10**9


# ---- stories -----------------------------------------------------------------------------------------


def plots(count: int) -> list[tuple[str, stories.Plot]]:
    """Prompts and the plots that they are about; every other hero in a colour held out of training."""
    found, seed = [], FRESH
    while len(found) < count:
        seed += 1
        story = stories.story(seed, everything=True)
        held_out = scenes.held_out(story.plot.hero.colour, story.plot.hero.subject)
        if held_out == (len(found) % 2 == 0):
            found.append((story.prompt, story.plot))
    return found


def shows(seen: tuple[list[Seen], str], beings: list[stories.Being], place: str) -> bool:
    """Whether a picture shows these beings, in their colours, and nobody else, in this place."""
    things, where = seen
    if where != place or Counter(t.subject for t in things) != Counter(b.subject for b in beings):
        return False
    return all(has_colour(things, being) for being in beings)


def has_colour(things: list[Seen], being: stories.Being) -> bool:
    return any(
        t.subject == being.subject and (t.colour == being.colour if being.colour else t.own_colour)
        for t in things
    )


def image_tokenizer(folder: Path) -> MAGVITv2:
    tokenizer = MAGVITv2(json.loads((folder / "config.json").read_text())).eval()
    tensors = load_file(folder / "model.safetensors")
    tokenizer.load_state_dict({name: x.float() for name, x in tensors.items()})
    return tokenizer


@torch.no_grad()
def rendered_right(
    made: list[tuple[scenes.Scene, list, str]], judge: Judge, tokenizer: MAGVITv2
) -> tuple[float, float]:
    """Shares of rendered scenes, each with what it shows and where, to which the judge says yes: as they
    are, and as codes and back, about the most that can be reached."""
    right, rebuilt = [], []
    for start in range(0, len(made), 4):
        part = made[start : start + 4]
        x = torch.from_numpy(np.stack([np.asarray(scene.picture) for scene, *_ in part]))
        x = x.permute(0, 3, 1, 2).float() / 127.5 - 1
        y = tokenizer.decode(tokenizer.codes(tokenizer.encoder(x)), train_tokens.SIDE).clamp(-1, 1)
        for pictures, answers in ((x, right), (y, rebuilt)):
            answers += [
                shows(seen, beings, place) for seen, (_, beings, place) in zip(judge.read(pictures), part)
            ]
    return float(np.mean(right)), float(np.mean(rebuilt))


def rendered_pages(count: int) -> list[tuple[scenes.Scene, list, str]]:
    """Rendered pages of `count` stories."""
    told = [stories.story(FRESH + seed, everything=True) for seed in range(count)]
    return [
        (stories.scene(story, number, FRESH + seed), list(page.beings), page.place)
        for seed, story in enumerate(told) for number, page in enumerate(story.pages)
    ]


def answers(pages: list[dict], plot: stories.Plot, prompt: str, judge: Judge) -> dict[str, list[bool]]:
    """What is right about a story, page by page or as a whole."""
    found: dict[str, list[bool]] = {"parses": [], "shows": [], "keeps": [], "prompt": []}
    # Of a story longer than those of training all pages between are told as the second one is.
    trained, count = len(stories.PAGES), len(pages)
    places = [min(number, max(1, trained - (count - number))) for number in range(count)]
    reads = [stories.read(page["text"], place) for place, page in zip(places, pages)]
    pictures = np.stack([np.asarray(Image.open(page["path"]).convert("RGB")) for page in pages])
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
    seen = judge.read(x)
    found["parses"] = [read is not None for read in reads]
    first = reads[0]
    if first is None or len(pages) < 4:
        return {**found, "shows": [False] * len(pages), "keeps": [False], "prompt": [False]}
    known = dict(first.roles)
    consistent = True
    for place, read, sight in zip(places, reads, seen):
        if place == 1:
            known.pop("friend", None)
        if read is None:
            found["shows"].append(False)
            consistent = False
            continue
        beings = [known["hero"]]
        for role, being in read.roles.items():
            before = known.setdefault(role, being)
            # A later mention may leave the colour out, but not name another.
            if being.subject != before.subject or (being.colour and being.colour != before.colour):
                consistent = False
            if role != "hero":
                beings.append(known[role])
        found["shows"].append(shows(sight, beings, read.place))
    hero = known["hero"]
    found["keeps"] = [consistent and all(has_colour(things, hero) for things, _ in seen)]
    asked = {
        role: being for role, being in (("hero", plot.hero), ("wish", plot.wish), ("friend", plot.friend))
        if re.search(rf"\b{re.escape(being.a())}\b", prompt)
    }
    found["prompt"] = [all(known.get(role) == being for role, being in asked.items())]
    return found


# ---- captions ----------------------------------------------------------------------------------------

NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4}
SINGULAR = {scenes.PLURALS.get(s, s + "s"): s for s in scenes.SUBJECTS} | {s: s for s in scenes.SUBJECTS}
NOUN = re.compile(
    rf"({'|'.join(NUMBERS)}) (?:(?:small|big) )?(?:({'|'.join(scenes.COLOURS)}) )?"
    rf"({'|'.join(sorted(SINGULAR, key=len, reverse=True))})"
)
BETWEEN = re.compile(
    r" to the left of | to the right of | above | below | next to | and |, "
)


def understood(caption: str) -> tuple[Counter, str] | None:
    """What a caption says: how many of each subject and colour, and the place; None if it says nothing."""
    place = ""
    for name in filter(None, scenes.PLACES):
        if caption.startswith(f"{name}, "):
            place, caption = name, caption[len(name) + 2 :]
        elif caption.endswith(f" {name}"):
            place, caption = name, caption[: -len(name) - 1]
    caption = re.sub(r"^(a picture of|there is|there are) ", "", caption)
    things: Counter = Counter()
    for phrase in BETWEEN.split(caption):
        match = NOUN.fullmatch(phrase)
        if not match:
            return None
        things[SINGULAR[match[3]], match[2]] += NUMBERS[match[1]]
    return things, place


def caption_answers(caption: str, scene: scenes.Scene) -> dict[str, bool]:
    said = understood(caption)
    things = Counter((t.subject, t.colour) for t in scene.things)
    if said is None:
        return dict(everything=False, subjects=False, colours=False, place=False)
    subjects = Counter()
    for (subject, _), count in said[0].items():
        subjects[subject] += count
    return dict(
        everything=said == (things, scene.place), place=said[1] == scene.place,
        subjects=subjects == Counter(t.subject for t in scene.things), colours=said[0] == things,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=HERE.parent / "weights" / "storyteller")
    parser.add_argument("--judge", type=Path, default=HERE.parent / "weights" / "judge")
    parser.add_argument("--lantern", default=str(HERE.parent / ".build" / "release" / "lantern"))
    parser.add_argument("--stories", type=int, default=100)
    parser.add_argument("--captions", type=int, default=200)
    options, extra = parser.parse_known_args()
    options.work.mkdir(parents=True, exist_ok=True)
    judge = Judge.load(options.judge)
    tokenizer = image_tokenizer(options.model / "magvitv2")
    alone = [(scene, scene.things, scene.place) for scene in map(scenes.scene, range(FRESH, FRESH + 200))]
    for name, made in (("pages of stories", rendered_pages(50)), ("scenes", alone)):
        right, rebuilt = rendered_right(made, judge, tokenizer)
        print(f"judge: yes to {right:.1%} of 200 rendered {name}, to {rebuilt:.1%} as codes and back")

    total: dict[str, list[bool]] = {}
    told = []
    for index, (prompt, plot) in enumerate(plots(options.stories)):
        folder = options.work / f"story-{index:03d}"
        events = subprocess.run(
            [options.lantern, "story", prompt, "-m", str(options.model), "-o", str(folder), "--json", "--overwrite",
             "--seed", str(index), *extra], check=True, capture_output=True, text=True,
        ).stdout
        pages = [e for e in map(json.loads, events.splitlines()) if e["event"] == "page"]
        found = answers(pages, plot, prompt, judge)
        for key, values in found.items():
            total.setdefault(key, []).extend(values)
        told.append(dict(prompt=prompt, pages=pages, answers=found))
        if (index + 1) % 20 == 0:
            print(f"told {index + 1} of {options.stories}", flush=True)

    captions: dict[str, list[bool]] = {}
    folder = options.work / "scenes"
    folder.mkdir(exist_ok=True)
    made = [scenes.scene(FRESH + index) for index in range(options.captions)]
    files = [str(folder / f"{index:03d}.png") for index in range(options.captions)]
    for scene, file in zip(made, files):
        scene.picture.save(file)
    said = []
    if files:
        events = subprocess.run(
            [options.lantern, "caption", *files, "-m", str(options.model), "--json"], check=True,
            capture_output=True, text=True,
        ).stdout
        said = [json.loads(line)["text"] for line in events.splitlines()]
    for scene, caption in zip(made, said):
        for key, value in caption_answers(caption, scene).items():
            captions.setdefault(key, []).append(value)

    names = dict(
        parses="pages whose words parse", shows="pages whose picture shows what they name",
        keeps="heroes that keep their colour on all pages", prompt="stories about what the prompt says",
        everything="captions with everything right", subjects="captions with every subject right",
        colours="captions with every subject and colour right", place="captions with the place right",
    )
    print("\n| share of | of | right | 95 % |\n|---|---|---|---|")
    for key, values in {**total, **captions}.items():
        low, high = interval(sum(values), len(values))
        print(f"| {names[key]} | {len(values)} | {np.mean(values):.3f} | {low:.2f}–{high:.2f} |")
    (options.work / "results.json").write_text(json.dumps(
        dict(stories=told, captions=[
            dict(wanted=scene.caption, found=caption) for scene, caption in zip(made, said)]), indent=1))


if __name__ == "__main__":
    main()
