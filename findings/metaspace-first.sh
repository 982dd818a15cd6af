#!/bin/sh
# tokenizers 0.23.3. Metaspace with prepend_scheme "first" puts its mark in front of the first word of a text. Which word
# that is it takes from offsets into the text as it was typed, before normalizers: where one of them strips a space at the
# beginning, no word counts as the first any more. "a" and " a" are the same normalised text and become other tokens.
#
# Seen: with Strip and Metaspace of "first" "a" is ▁a and " a" is a; with "always" both are ▁a.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet tokenizers==0.23.3
fi
"$PYTHON" - <<'PY'
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

found = {}
for scheme in ["first", "always"]:
    tokenizer = Tokenizer(models.Unigram([("<unk>", 0.0), ("▁a", -1.5), ("a", -1.0)], unk_id=0))
    tokenizer.normalizer = normalizers.Strip()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    texts = {text: tokenizer.normalizer.normalize_str(text) for text in ["a", " a"]}
    assert set(texts.values()) == {"a"}, texts
    found[scheme] = [tokenizer.encode(text).tokens for text in texts]
    print(scheme, found[scheme])
assert found == {"first": [["▁a"], ["a"]], "always": [["▁a"], ["▁a"]]}, found
PY
