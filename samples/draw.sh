#!/bin/sh
# Draws samples/ again with the shipped weights: sh samples/draw.sh [PROGRAM]
set -eu
lantern=${1:-.build/release/lantern}
here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# One picture a line of a file of prompts, on one sheet: sheet NAME PROMPTS COLUMNS OPTION...; "@" in
# an option stands for 100 and the line's number.
sheet() {
  name=$1 prompts=$2 columns=$3
  shift 3
  number=100
  while IFS= read -r prompt; do
    number=$((number + 1))
    "$lantern" image "$prompt" -q -o "$folder/$name-$number.png" \
      $(echo "$@" | sed "s/@/$number/") >/dev/null
  done <"$here/$prompts.txt"
  "$lantern" sheet "$folder/$name"-*.png --columns "$columns" -o "$here/$name.png" --overwrite
}

sheet picturebook picturebook 6 -s 42
sheet fast picturebook 6 -s 42 --fast
sheet singles singles 12 -s @
"$lantern" image "a red fox on the beach" -q -s 42 -o "$here/fox.png" --overwrite
# Its lower half anew: below.png is white there.
"$lantern" image "a red fox in the meadow" -q -i "$here/fox.png" --mask "$here/below.png" \
  --strength 1 -s 5 -o "$here/fox-meadow.png" --overwrite
# Enlarged and drawn again in part; along edges, in a style and with a word of weights/adapters.
"$lantern" image "three red houses in the snow" -q -s 4 --hires 2x --hires-denoise 0.35 \
  --hires-upscaler lanczos -o "$here/houses.png" --overwrite
adapters=$here/../weights/adapters
"$lantern" image "a red car to the right of a lion in a meadow" -q -s 2 -o "$here/lion.png" --overwrite
"$lantern" image "a bear and a blue car in the snow" -q -s 2 \
  --control "$adapters/edges:canny:$here/lion.png" -o "$here/bear.png" --overwrite
"$lantern" image "a boat by the sea" -q -s 42 --lora "$adapters/cyanotype.safetensors" \
  -o "$here/cyanotype.png" --overwrite
"$lantern" image "a turquoise star" -q -s 5 --embedding "$adapters/turquoise.safetensors" \
  -o "$here/turquoise.png" --overwrite

# Three stories, each a folder.
story() {
  "$lantern" story "$2" -q -s "$3" -o "$here/$1" --overwrite
}

story fox "a story about a red fox who looks for a key" 7
story penguin "a tale about a penguin named Pip who wants a guitar" 2
story bear "a story about a blue bear who makes friends with an owl and finds a crown" 5
"$lantern" sheet "$here"/fox/0*.png "$here"/penguin/0*.png "$here"/bear/0*.png --columns 4 \
  -o "$here/stories.png" --overwrite >/dev/null
