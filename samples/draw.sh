#!/bin/sh
# Draws samples/ again with the shipped weights: sh samples/draw.sh [PROGRAM]
set -eu
lantern=${1:-.build/release/lantern}
here=$(dirname "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# One picture a line of a file of prompts, on one sheet: sheet NAME COLUMNS OPTION...; "@" in an
# option stands for 100 and the line's number.
sheet() {
  name=$1 columns=$2
  shift 2
  number=100
  while IFS= read -r prompt; do
    number=$((number + 1))
    "$lantern" image "$prompt" -q -o "$folder/$name-$number.png" \
      $(echo "$@" | sed "s/@/$number/") >/dev/null
  done <"$here/$name.txt"
  "$lantern" sheet "$folder/$name"-*.png --columns "$columns" -o "$here/$name.png"
}

sheet picturebook 6
sheet singles 12 -s @
"$lantern" image "a red fox on the beach" -q -o "$here/fox.png"
