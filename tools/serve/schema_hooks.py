"""What schemathesis needs to know of `lantern serve`'s description: what a picture is, and how large one may be drawn
in a test.

    HF_HUB_OFFLINE=1 lantern serve --port 7861 --store none &
    SCHEMATHESIS_HOOKS=schema_hooks PYTHONPATH=tools/serve st run http://127.0.0.1:7861/openapi.json --checks all \\
        --continue-on-failure --request-timeout 60
"""

import base64
import struct
import zlib

import schemathesis
from hypothesis import strategies

# The largest value that the description allows, the multiple that it wants, and the value that is sent in place of larger
# ones.
LIMITS = {
    "steps": (1000, 1, 2), "count": (64, 1, 2), "n": (16, 1, 2), "n_iter": (64, 1, 2), "batch_size": (64, 1, 2),
    "pages": (64, 1, 2), "width": (4096, 8, 64), "height": (4096, 8, 64), "hr_scale": (8, None, 2),
    "upscaling_resize": (8, None, 2), "upscaling_resize_w": (4096, 1, 64), "upscaling_resize_h": (4096, 1, 64),
    "controlnet_processor_res": (4096, 1, 64),
}


def png(side):
    """A picture with an alpha channel that is transparent in its middle."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = bytearray()
    for y in range(side):
        rows.append(0)
        for x in range(side):
            inside = side // 4 <= x < side * 3 // 4 and side // 4 <= y < side * 3 // 4
            rows += bytes([x * 255 // side, y * 255 // side, 128, 0 if inside else 255])
    head = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(rows)))
            + chunk(b"IEND", b""))


FILES = [png(16), png(64)]
TEXTS = [base64.b64encode(file).decode() for file in FILES]
schemathesis.openapi.format("picture", strategies.sampled_from(TEXTS + ["data:image/png;base64," + TEXTS[0]]))
schemathesis.openapi.media_type("image/png", strategies.sampled_from(FILES))


@schemathesis.hook
def map_body(context, body):
    """Values that are allowed, and would draw for long, become small ones."""
    return small(body) if isinstance(body, (dict, list)) else body


@schemathesis.hook
def filter_body(context, body):
    """schemathesis 4.32.5 sends an empty prompt in forms as a valid one, whatever minLength and pattern say."""
    return not (isinstance(body, dict) and body.get("prompt") == "" and "image" in body)


def small(value, name=None):
    if isinstance(value, dict):
        return {key: small(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [small(inner) for inner in value]
    if name in LIMITS and isinstance(value, (int, float)) and not isinstance(value, bool):
        most, multiple, limit = LIMITS[name]
        is_allowed = value <= most and (multiple is None or value % multiple == 0)
        return limit if is_allowed and value > limit else value
    if name == "size" and isinstance(value, str) and value.replace("x", "").isdigit() and value.count("x") == 1:
        sides = [int(side) if side else 0 for side in value.split("x")]
        return "64x64" if all(8 <= side <= 4096 and side % 8 == 0 for side in sides) else value
    return value

