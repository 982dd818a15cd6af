#!/bin/sh
# Draws samples/ again with the shipped weights: sh samples/draw.sh [PROGRAM]
set -eu
lantern=${1:-.build/release/lantern}
here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# One picture a line of prompts.txt, all with seed 42, on one sheet.
number=100
while IFS= read -r prompt; do
  number=$((number + 1))
  "$lantern" image "$prompt" -q -o "$folder/$number.png" >/dev/null
done <"$here/prompts.txt"
"$lantern" sheet "$folder"/1*.png --columns 6 -o "$here/picturebook.png"
"$lantern" image "a red fox on the beach" -q -o "$here/fox.png"
