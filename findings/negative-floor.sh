#!/bin/sh
# rank_bm25 0.2.2. BM25Okapi lifts the negative idf of a word that most texts have to a quarter of the mean idf, which
# is itself negative where most words are such: in a small corpus the text that has a word most often scores lowest.
#
# Seen: {"fox": -0.2012, "den": 0.0} [-0.2874, -0.2012]: "fox fox" comes behind "fox den".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet rank_bm25==0.2.2 numpy
fi
"$PYTHON" - <<'PY'
from rank_bm25 import BM25Okapi

index = BM25Okapi([["fox", "fox"], ["fox", "den"]])
idf, scores = index.idf, list(index.get_scores(["fox"]))
print({word: round(float(value), 4) for word, value in idf.items()}, [round(float(score), 4) for score in scores])
assert idf["fox"] < 0, idf
assert scores[0] < scores[1] < 0, scores
PY
