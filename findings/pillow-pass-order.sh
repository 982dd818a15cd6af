#!/bin/sh
# Pillow 13.0.0, numpy 2.4.6. Image.resize with LANCZOS filters rows and columns in two passes, each rounded to
# 8 bits, so their order shows. 12.3.0 takes rows first always; 13.0.0 takes columns first where the width grows
# and the height shrinks, and sometimes where both shrink. A picture that a pipeline of diffusers resizes is
# then another than with the Pillow before, up to tens of 255 apart in noise.
#
# Seen: "grown in width, shrunk in height: columns first 60 of 60, largest difference to rows first 32;
# shrunk in width, grown in height: rows first 60 of 60".
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/venv"
  PYTHON=$folder/venv/bin/python
  "$PYTHON" -m pip install --quiet pillow==13.0.0 numpy==2.4.6
fi
"$PYTHON" - <<'PY'
import random
import sys

import numpy as np
from PIL import Image

rng = random.Random(2)


def passes(width, height, new_width, new_height):
    """Whether a resized picture is that of rows first, that of columns first, and how far they are apart."""
    noise = np.random.default_rng(rng.randint(0, 9999)).integers(0, 256, (height, width, 3), dtype=np.uint8)
    picture = Image.fromarray(noise)

    def resized(image, *size):
        return image.resize(size, Image.Resampling.LANCZOS)

    found = np.asarray(resized(picture, new_width, new_height)).astype(int)
    rows = np.asarray(resized(resized(picture, new_width, height), new_width, new_height)).astype(int)
    columns = np.asarray(resized(resized(picture, width, new_height), new_width, new_height)).astype(int)
    return (found == rows).all(), (found == columns).all(), abs(found - rows).max()


small, large = (lambda: rng.randint(20, 60)), (lambda: rng.randint(70, 120))
wide = [passes(small(), large(), large(), small()) for _ in range(60)]
high = [passes(large(), small(), small(), large()) for _ in range(60)]
columns, rows = sum(c for _, c, _ in wide), sum(r for r, _, _ in high)
print(f"grown in width, shrunk in height: columns first {columns} of 60, largest difference to rows first "
      f"{max(d for _, _, d in wide)}; shrunk in width, grown in height: rows first {rows} of 60")
sys.exit(0 if columns == 60 and rows == 60 else 1)
PY
