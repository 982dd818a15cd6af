"""Stage 10: the storyteller. One transformer learns to write, to draw and to tell what it sees.

    python train_storyteller.py --work FOLDER --minutes 120 [--start-from ../weights/storyteller]

Two of five rows are stories, told anew each time; the others are captions to draw and pictures to tell
of (sequences.py). Next-token loss on what is written, the opening of pictures included; masked-token
loss on pictures.
"""

from __future__ import annotations

import random
from multiprocessing import Pool
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file

import common
import layout
import stories
import train_tokens
import words
from muon import Muon
from sequences import CLEAN, IGNORED, KEYS, SIDE, TOLD, scene_row, story_row, visible
from showo import Showo, Tokens

CONFIG = dict(
    model_type="phi", hidden_size=256, intermediate_size=1024, num_hidden_layers=8, num_attention_heads=4,
    partial_rotary_factor=0.5, rope_theta=10000.0, layer_norm_eps=1e-5, qk_layernorm=True,
    hidden_act="gelu_new", max_position_embeddings=2048, tie_word_embeddings=False,
)
BITS = train_tokens.CONFIG["z_channels"]
CHANNELS = train_tokens.CONFIG["ch"] * train_tokens.CONFIG["encoder_ch_mult"][-1]  # of a feature
STORIES = 0.4  # share of rows


class Rows:
    """Batches of rows by step number, the same for every run."""

    def __init__(self, work: Path, seed: int, batch: int):
        self.words = words.Words(work / "words")
        self.tokens = Tokens(len(self.words.ids), 2**BITS)
        self.stories = np.load(work / "codes-stories.npy", mmap_mode="r")
        self.scenes = np.load(work / "codes-scenes.npy", mmap_mode="r")
        self.features = np.load(work / "features-scenes.npy", mmap_mode="r")
        self.seed, self.batch = seed, batch

    def __call__(self, step: int) -> dict[str, np.ndarray]:
        rng = random.Random(f"{self.seed} {step}")
        rows = []
        while len(rows) < self.batch:
            features = np.zeros((TOLD * SIDE * SIDE, CHANNELS), np.float16)
            if rng.random() < STORIES:
                index = rng.randrange(len(self.stories))
                told = stories.story(index, telling=rng.getrandbits(30))
                row = story_row(told, self.stories[index], self.words, self.tokens, rng)
            else:
                seeds = [rng.randrange(len(self.scenes)) for _ in range(TOLD + 1)]
                features[:] = self.features[seeds[:TOLD]].reshape(features.shape)
                row = scene_row(seeds, self.scenes[seeds], self.words, self.tokens, rng)
            if len(row.clean["ids"]) <= CLEAN:
                rows.append(row.arrays() | dict(features=features))
        return {key: np.stack([row[key] for row in rows]) for key in (*KEYS, "features")}


def start(rows: Rows) -> None:
    global ROWS
    ROWS = rows
    torch.set_num_threads(1)


def make(step: int) -> dict[str, np.ndarray]:
    return ROWS(step)


def main() -> None:
    parser = common.arguments(__doc__)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=3e-3)
    parser.add_argument("--start-from", type=Path, help="an exported storyteller to go on from")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    common.prepare(options)
    device = options.device
    checkpoint = common.Checkpoint(options.work / "storyteller.pt", options.piece_mb)

    if not (options.work / "words" / "vocab.json").exists():
        words.write(options.work / "words")
    rows = Rows(options.work, options.seed, options.batch)
    model = Showo(CONFIG, rows.tokens, BITS, CHANNELS).to(device)
    if options.start_from:
        tensors = load_file(options.start_from / "model.safetensors", device)
        model.unfold({name: x.float() for name, x in tensors.items()})
    # What stands where in a picture, asked of its clean codes half way: reading is learnt far sooner so.
    questions = torch.nn.Linear(CONFIG["hidden_size"], sum(layout.CELL_CLASSES))
    both = torch.nn.ModuleDict(dict(model=model, questions=questions)).to(device)
    average = common.Average(model, 0.998)
    optimizer = Muon(both, options.learning_rate, (0.9, 0.98), 0.01)
    step, clock = common.resume(checkpoint, options, both, optimizer, average)

    def loss_of(ids, positions, document, block, limit, target, subject, colour, feature, features):
        mask = visible(document, block, limit, torch.bfloat16)
        with common.autocast(device):
            hidden, middle = model.hidden(ids, positions, mask, feature, features)
            text = model.text_logits(hidden[:, :CLEAN])
            codes = model.code_logits(hidden[:, CLEAN:])
            seen = questions(middle[:, :CLEAN])

        def loss(logits, wanted):
            return F.cross_entropy(logits.float().flatten(0, 1), wanted.flatten(), ignore_index=IGNORED)

        seen = sum(
            loss(logits, wanted[:, :CLEAN])
            for logits, wanted in zip(seen.split(layout.CELL_CLASSES, -1), (subject, colour))
        )
        return loss(text, target[:, :CLEAN]), loss(codes, target[:, CLEAN:]), seen

    objective = torch.compile(loss_of) if options.compile else loss_of
    sums: list[list[float]] = []
    with Pool(1, start, (rows,)) as pool:
        coming = [pool.apply_async(make, (step + ahead,)) for ahead in range(3)]
        while clock.progress < 1:
            made = {key: torch.from_numpy(x).to(device) for key, x in coming.pop(0).get().items()}
            coming.append(pool.apply_async(make, (step + 3,)))
            common.set_rate(optimizer, options.learning_rate * clock.rate(step, 200))
            losses = objective(*(made[key].long() for key in KEYS), made["features"].float())
            common.descend(losses[0] + losses[1] + 0.5 * losses[2], both, optimizer)
            average.update(model, step)
            sums.append([loss.item() for loss in losses])
            step += 1
            clock.tick()
            if step % 25 == 0:
                text, codes, seen = map(float, np.mean(sums, 0))
                common.log(
                    options.work / "storyteller.log", step=step, minutes=clock.spent / 60,
                    text=text, codes=codes, seen=seen, rate=clock.rate(step),
                )
                sums = []
            common.save(checkpoint, clock, model=both, average=average.model, optimizer=optimizer,
                        step=step)


if __name__ == "__main__":
    main()
