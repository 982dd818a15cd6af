"""What the scripts of small tokenizers share: pipeline_tokenizers.py, tokenizer_kinds.py."""

import json

from tokenizers import AddedToken, Tokenizer, models


def random_texts(pieces, count):
    """Texts by a rule that a test repeats: a linear congruential generator."""
    state = 22
    def draw(limit):
        nonlocal state
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (state >> 33) % limit
    for _ in range(count):
        yield "".join(pieces[draw(len(pieces))] for _ in range(draw(14) + 1))


def special(*names, **flags):
    return [AddedToken(name, special=True, normalized=False, **flags) for name in names]


def trained(corpus, model, trainer, normalizer=None, split=None):
    """A model's state after training."""
    tokenizer = Tokenizer(model)
    if normalizer: tokenizer.normalizer = normalizer
    if split: tokenizer.pre_tokenizer = split
    tokenizer.train_from_iterator(corpus, trainer)
    return json.loads(tokenizer.to_str())["model"]


def bpe(state, **flags):
    merges = [tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in state["merges"]]
    return models.BPE(vocab=state["vocab"], merges=merges, **flags)


def pipeline(model, tokens, normalizer=None, split=None, decoder=None, after=None):
    tokenizer = Tokenizer(model)
    tokenizer.add_tokens(tokens)
    if normalizer: tokenizer.normalizer = normalizer
    if split: tokenizer.pre_tokenizer = split
    if decoder: tokenizer.decoder = decoder
    if after: tokenizer.post_processor = after
    return tokenizer
