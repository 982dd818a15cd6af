"""Writes the inputs that a fuzz target begins with: seeds.py TARGET FOLDER.

A function for each target, of its name, gives them by name.
"""

import json as JSON
import pathlib
import struct
import sys
import zlib

FIXTURES = pathlib.Path("Tests/Fixtures")


def tensors(path):
    """The bytes of each tensor of a safetensors file, after those of its header."""
    data = path.read_bytes()
    start = 8 + struct.unpack("<Q", data[:8])[0]
    yield "header", data[8:start]
    for name, entry in JSON.loads(data[8:start]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            yield name, data[start + begin : start + end]


def files(*paths):
    return {path.name: path.read_bytes() for path in paths}


def json():
    return {
        "header": dict(tensors(FIXTURES / "pictures.safetensors"))["header"],
        "escapes": b'{"a":[1.5e3,-2,"\\u00e9\\ud83d\\ude00",true,null]}',
        "mark": b"\xef\xbb\xbf[0.1]",
    }


def safetensors():
    return files(FIXTURES / "tensor_files.safetensors")


def gguf():
    whole = (FIXTURES / "gguf_blocks" / "blocks.gguf").read_bytes()
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 1)
    value = struct.pack("<Q", 1) + b"a" + struct.pack("<IIQ", 9, 8, 1) + struct.pack("<Q", 2) + b"xy"
    tensor = struct.pack("<Q", 1) + b"t" + struct.pack("<IQIQ", 1, 32, 2, 0)
    small = head + value + tensor
    return {"small": small + bytes(-len(small) % 32 + 32), "beginning": whole[:8192]}


def torch():
    return files(*sorted((FIXTURES / "torch_file").glob("*.pt")))


def tokenizer():
    """The files of a folder in the order that FuzzTokenizer.swift has them, and a text, parted by zeros."""
    folder = FIXTURES / "tiny_pipeline" / "tokenizer"
    names = ["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"]
    loose = [(folder / name).read_bytes() if (folder / name).exists() else b"" for name in names]
    text = "A fox's 12 <|endoftext|> caf\u00e9, e\u0301 (red:1.3) BREAK".encode()
    vocabulary = {"!": 0, "a": 1, "b": 2, "ab": 3, "a</w>": 4, "b</w>": 5, "ab</w>": 6}
    vocabulary |= {"<|startoftext|>": 7, "<|endoftext|>": 8}
    model = {"type": "BPE", "vocab": vocabulary, "merges": ["a b", ["a", "b</w>"]]}
    whole = {"model": model, "added_tokens": [{"id": 9, "content": "<toy>", "normalized": True}]}
    config = {"added_tokens_decoder": {"9": {"content": "<toy>", "special": False}}}
    parts = {
        "folder": [*loose, b"", b"", text],
        "small": [
            JSON.dumps(vocabulary).encode(), b"#version: 0.2\na b\na b</w>\n",
            JSON.dumps(config).encode(), b"", b"", b"", b"ab <toy>ab",
        ],
        "added": [
            JSON.dumps(vocabulary).encode(), b"a b\n", b'{"model_max_length": 9}',
            b'{"pad_token": "!"}', b'{"<toy>": 9, "<toy>_1": 10}', b"", b"abba <toy>_1",
        ],
        "whole": [b"", b"", b"", b"", b"", JSON.dumps(whole).encode(), b"ab <toy> ba"],
    }
    return {
        name + kind: kind.encode() + b"\0".join(files)
        for name, files in parts.items() for kind in "CG"
    }


def pictures(start):
    found = tensors(FIXTURES / "pictures.safetensors")
    return {name: data for name, data in found if name.endswith(".file") and data.startswith(start)}


def png():
    return pictures(b"\x89")


def jpeg():
    return pictures(b"\xff\xd8")


def webui():
    """Texts beside pictures: stable-diffusion-webui's, and the JSON of others."""
    settings = "Steps: 20, Sampler: DPM++ 2M Karras, Schedule type: Automatic, CFG scale: 7, Seed: -1, Size: 64x72"
    node = {"class_type": "KSampler", "inputs": {"seed": 2**64 - 1, "positive": ["2", 0], "steps": 9}}
    text = {"class_type": "CLIPTextEncode", "inputs": {"text": "a fox", "clip": ["1", 0]}}
    return {
        "plain": f"a (fox:1.2) [a|b]\r\nNegative prompt: x AND y\r\n{settings}, Eta: 0.5\r\n".encode(),
        "quotes": f'a <lora:x:1>\n{settings}, Model: "a, b: \\"c", Hashes: {{"a": [1]}}\nTemplate: z'.encode(),
        "comfy": JSON.dumps({"1": node, "2": text}).encode(),
        "swarm": JSON.dumps({"sui_image_params": {"prompt": "a fox", "seed": 7, "steps": 9}}).encode(),
        "prompt": b"a [b:c:0.5] {d|e} __f__ embedding:g (h)++ <random:i,j> --ar 3:2 BREAK \\(k\\)",
    }


def exif():
    """EXIF data, from behind the mark that leads it in a JPEG."""
    mark = b"Exif\0\0"
    with_exif = {name: data for name, data in jpeg().items() if mark in data[:64]}
    return {name: data[data.index(mark) + 6 :][:256] for name, data in with_exif.items()}


def texts():
    """Files of few pixels, and a PNG with a profile and each chunk that is looked at."""
    small = {name: data for name, data in pictures(b"").items() if name.startswith("texts.")}
    profile = bytes(128) + struct.pack(">I4sII", 1, b"desc", 144, 40) + b"desc" + bytes(4)
    profile += struct.pack(">I", 11) + b"Display P3\0"
    chunks = {
        b"iCCP": b"x\0\0" + zlib.compress(profile), b"gAMA": struct.pack(">I", 100000),
        b"cHRM": bytes(32), b"cICP": bytes([12, 13, 0, 1]), b"acTL": bytes(8), b"IEND": b"",
    }
    file = b"\x89PNG\r\n\x1a\n"
    for kind, data in chunks.items():
        file += struct.pack(">I", len(data)) + kind + data + bytes(4)
    return small | {"profile": file}


def pages():
    """What ends tags, attributes and lines of Markdown."""
    return {
        "html": b"\"'<script>&lt;--></p><img src=x>",
        "marks": "\"\u0301 x '\u0301 <\u0301 \u2028 \x1b[0m \r\n\t".encode(),
        "markdown": b"# a\n- b\n1. c\n![d](e) [f]: g\n| h |\n***`i`~~j~~ https://k.example www.l.example\n---\n=",
    }


def scheduler():
    """One file for each setting of each class of diffusers' schedulers."""
    header = dict(tensors(FIXTURES / "scheduler_settings.safetensors"))["header"]
    rows = JSON.loads(JSON.loads(header)["__metadata__"]["rows"])
    by_setting = {(row["kind"], row["key"]): row["config"] for row in rows}
    return {"-".join(key): JSON.dumps(config).encode() for key, config in by_setting.items()}


if __name__ == "__main__":
    target, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in globals()[target]().items():
        (folder / name).write_bytes(data)
