"""Stage 3: the text encoder learns to read, before anything is drawn.

    python train_text.py --work FOLDER --minutes 4

Captions without pictures cost almost nothing. The encoder is asked what is in the scene (layout.py); the
U-Net then finds in its hidden states what it would have had to teach it through the pictures.
"""

from __future__ import annotations

import random
from multiprocessing.pool import ThreadPool

import numpy as np
import torch

import captions
import common
import layout
import scenes
import tokenizer
from models import CLIPTextModel
from muon import Muon

CONFIG = dict(
    hidden_size=192, intermediate_size=768, num_hidden_layers=3, num_attention_heads=4,
    max_position_embeddings=tokenizer.LENGTH,
)


def text_config(vocabulary: int) -> dict:
    """The text encoder's settings."""
    return dict(vocab_size=vocabulary, **CONFIG)


def main() -> None:
    parser = common.arguments(__doc__)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=2e-3)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    common.prepare(options)
    folder = options.work / "tokenizer"
    tokenizer.write(folder)
    byte_pairs = tokenizer.BytePairs(folder)
    checkpoint = common.Checkpoint(options.work / "text.pt", options.piece_mb)

    text = CLIPTextModel(text_config(tokenizer.vocabulary_size(folder))).to(options.device)
    questions = layout.Questions(CONFIG["hidden_size"], 1).to(options.device)
    model = torch.nn.ModuleDict(dict(text=text, questions=questions))
    optimizer = Muon(model, options.learning_rate)
    step, clock = common.resume(checkpoint, options, model, optimizer)

    def batch(step: int) -> tuple[torch.Tensor, ...]:
        seed = 2 * 10**9 + (options.seed * 10**6 + step) * options.batch
        made = [scenes.scene(seed + index, draw=False) for index in range(options.batch)]
        rng = random.Random(seed)
        said = [
            rng.choices(captions.wordings(scene, seed + index), captions.SHARES)[0]
            for index, scene in enumerate(made)
        ]
        return (
            torch.from_numpy(byte_pairs.encode(said)),
            torch.from_numpy(np.stack([layout.slots(scene) for scene in made])),
            torch.tensor([scenes.PLACES.index(scene.place) for scene in made]),
        )

    def loss_of(ids, slots, places):
        with common.autocast(options.device):
            hidden = text(ids)
        return questions.text_loss(hidden.float(), slots, places)

    objective = torch.compile(loss_of) if options.compile else loss_of
    sums = []
    with ThreadPool(1) as pool:
        coming = pool.apply_async(batch, (step,))
        while clock.progress < 1:
            facts = [x.to(options.device) for x in coming.get()]
            coming = pool.apply_async(batch, (step + 1,))
            common.set_rate(optimizer, options.learning_rate * clock.rate(step, 200))
            loss = objective(*facts)
            common.descend(loss, model, optimizer)
            sums.append(loss.item())
            step += 1
            clock.tick()
            if step % 50 == 0:
                common.log(options.work / "text.log", step=step, minutes=clock.spent / 60,
                           loss=sum(sums) / len(sums))
                sums = []
            common.save(checkpoint, clock, model=model, optimizer=optimizer, step=step)


if __name__ == "__main__":
    main()
