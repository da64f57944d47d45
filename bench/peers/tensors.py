"""Reads the safetensors files that bench/inputs.mjs writes, and makes the numbers of bench/random.mjs."""

import json

import torch


def read_tensors(path):
    """Name to tensor; float32 alone."""
    with open(path, "rb") as file:
        content = bytearray(file.read())
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            raise ValueError(f"{path}: {name}: expected F32, received {entry['dtype']}")
        begin, end = entry["data_offsets"]
        values = torch.frombuffer(content, dtype=torch.float32, count=(end - begin) // 4, offset=start + begin)
        tensors[name] = values.reshape(entry["shape"]).clone()
    return tensors


def hashed(shape, seed=0):
    """Values of -0.5 to 0.5 by a hash of place and seed."""
    low = 0xFFFFFFFF
    count = torch.Size(shape).numel()
    h = ((torch.arange(count, dtype=torch.int64) + seed * 0x10001) & low) * 0x9E3779B1 & low
    h = (h ^ (h >> 15)) * 0x85EBCA6B & low
    return (((h ^ (h >> 13)).double() / 2**32) - 0.5).float().reshape(tuple(shape))
