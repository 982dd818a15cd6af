"""What the scripts of small models with Qwen's text encoder share: tiny_flux2.py, tiny_z_image.py."""

from tokenizers import pre_tokenizers
from transformers import Qwen2Tokenizer

TEMPLATE = (
    "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content"
    " + '<|im_end|>' + '\\n' }}{%- endfor %}{%- if add_generation_prompt %}"
    "{{- '<|im_start|>assistant\\n' }}{%- if enable_thinking is defined and enable_thinking is false %}"
    "{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}{%- endif %}"
)


def qwen_tokenizer():
    """Bytes, a few merges, and the special tokens of Qwen 3."""
    merges = [("t", "h"), ("th", "e"), ("Ġ", "f"), ("Ġf", "o"), ("Ġfo", "x"), ("r", "e"), ("re", "d")]
    symbols = [*sorted(pre_tokenizers.ByteLevel.alphabet()), *("".join(pair) for pair in merges)]
    tokenizer = Qwen2Tokenizer(
        vocab={symbol: index for index, symbol in enumerate(symbols)}, merges=merges,
        unk_token="<|endoftext|>", eos_token="<|im_end|>", pad_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>", "<|im_end|>"])
    tokenizer.add_tokens(["<think>", "</think>"])
    tokenizer.chat_template = TEMPLATE
    return tokenizer
