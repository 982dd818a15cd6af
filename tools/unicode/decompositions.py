"""Writes Sources/LanternTokenizers/Unicode/Decompositions+Table.swift: what characters decompose into, by Unicode's
data, as far as the tokenizers library knows it (Unicode 9).

    python tools/unicode/decompositions.py

Needs tokenizers (the committed file: 0.23.3). Rows follow one another without separators, all numbers in digits of
base 32 with the lowest first, of which `A` to `f` end a number and `g` to `-` go on:

- how far the characters are from the end of the row before;
- 4 times how many characters one decomposes into, 2 more for a compatibility decomposition, 1 more for several rows;
- then, with several, how many: each one's last character follows the one before;
- the characters of the first: each as the difference from the one that stood in its place last, doubled, and
  one less than that of the opposite number for negative ones.
"""

import unicodedata
from pathlib import Path

from tokenizers import normalizers

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"
HANGUL = range(0xAC00, 0xD7A4)
compatible = normalizers.NFKD()


def number(value):
    text = ""
    while value >= 32:
        text += DIGITS[32 + value % 32]
        value //= 32
    return text + DIGITS[value]


def rows():
    for code in range(0x110000):
        if 0xD800 <= code < 0xE000 or code in HANGUL or compatible.normalize_str(chr(code)) == chr(code):
            continue
        parts = unicodedata.decomposition(chr(code)).split()
        isCompatible = parts[0].startswith("<")
        yield code, isCompatible, [int(part, 16) for part in parts[isCompatible:]]


def table():
    everything = list(rows())
    index, end, last, text = 0, 0, [0] * 18, ""
    while index < len(everything):
        code, kind, parts = everything[index]
        count = 1
        while everything[index + count : index + count + 1] == [(code + count, kind, [*parts[:-1], parts[-1] + count])]:
            count += 1
        text += number(code - end) + number(len(parts) * 4 + kind * 2 + (count > 1))
        if count > 1:
            text += number(count)
        for place, part in enumerate(parts):
            text += number((part - last[place]) * 2 if part >= last[place] else (last[place] - part) * 2 - 1)
            last[place] = part
        index, end = index + count, code + count
    return text


text = table()
lines = "\n".join("    " + text[start : start + 92] for start in range(0, len(text), 92))
folder = Path(__file__).parents[2] / "Sources" / "LanternTokenizers" / "Unicode"
folder.mkdir(exist_ok=True)
(folder / "Decompositions+Table.swift").write_text(f'''extension Decompositions {{
  /// What characters decompose into, written by tools/unicode/decompositions.py, which says how to read it.
  static let rows = """
{lines}
    """
}}
''')
