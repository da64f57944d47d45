"""PyTorch's kernels as a contender of the suite `kernels`, channels last; specs are those of bench/kernel_shapes.mjs.

    python pytorch_kernels.py --threads 2

For a line "open SPEC" it prints a sample of the operation's result, for "run" the milliseconds of one run, as
bench/peers/serve_kernels.mjs does. A backward pass is that of autograd; of a convolution the one gradient asked for.
"""

import argparse
import json
import sys
import time

import torch
from torch.nn import functional as F

from tensors import hashed

SEEDS = {"x": 1, "weight": 2, "dy": 3, "identity": 4, "w1": 5, "b1": 6, "w2": 7, "b2": 8, "gamma": 9, "beta": 10, "bias": 11}
SAMPLE = 64


def numbers(name, shape):
    values = hashed(shape, SEEDS[name])
    return values + 1 if name == "gamma" else values


def to_map(values):
    """[N, H, W, C] in memory, [N, C, H, W] to PyTorch."""
    return values.permute(0, 3, 1, 2)


def flat(values):
    """In senet's order: maps are NHWC."""
    return (values.permute(0, 2, 3, 1) if values.dim() == 4 else values).reshape(-1)


def conv2d(s):
    out, pad = s["size"] // s["stride"], (s["kernel"] - 1) // 2
    weight = numbers("weight", [s["k"], s["c"], s["kernel"], s["kernel"]]).to(memory_format=torch.channels_last)
    x = to_map(numbers("x", [s["n"], s["size"], s["size"], s["c"]]))
    if s["direction"] == "forward":
        return (lambda: F.conv2d(x, weight, stride=s["stride"], padding=pad)), flat
    dy = to_map(numbers("dy", [s["n"], out, out, s["k"]]))
    mask = [s["direction"] == "input", s["direction"] == "filter", False]
    geometry = ([s["stride"]] * 2, [pad] * 2, [1, 1], False, [0, 0], 1)

    def backward():
        gradients = torch.ops.aten.convolution_backward(dy, x, weight, None, *geometry, mask)
        return gradients[0 if mask[0] else 1]

    return backward, (flat if mask[0] else lambda values: values.reshape(-1))


def with_gradient(s, forward, x, learned, dy_shape):
    """The forward pass, or that and its backward pass, of which the gradient of x is the result."""
    if s["direction"] == "forward":

        def infer():
            with torch.no_grad():
                return forward()

        return infer, flat
    leaves = [x, *learned]
    for leaf in leaves:
        leaf.requires_grad_()
    dy = numbers("dy", dy_shape)
    dy = to_map(dy) if len(dy_shape) == 4 else dy
    return (lambda: torch.autograd.grad(forward(), leaves, dy)[0]), flat


def tail(s):
    n, size, c = s["n"], s["size"], s["c"]
    shape = [n, size, size, c]
    x = to_map(numbers("x", shape))
    learned = [numbers("gamma", [c]), numbers("beta", [c])] if s["norm"] else []
    identity = to_map(numbers("identity", shape)) if s["identity"] else None
    shapes = {"w1": [c // 16, c], "b1": [c // 16], "w2": [c, c // 16], "b2": [c]}
    excitation = [numbers(name, each) for name, each in shapes.items()] if s["se"] else []
    mean, variance = torch.zeros(c), torch.ones(c)

    def forward():
        y = F.batch_norm(x, mean, variance, *learned, training=True) if s["norm"] else x
        if s["se"]:
            w1, b1, w2, b2 = excitation
            gate = torch.sigmoid(F.linear(F.relu(F.linear(y.mean((2, 3)), w1, b1)), w2, b2))
            y = y * gate[:, :, None, None]
        if identity is not None:
            y = y + identity
        return F.relu(y) if s["norm"] else y

    return with_gradient(s, forward, x, learned + excitation, shape)


def max_pool(s):
    x = to_map(numbers("x", [s["n"], s["size"], s["size"], s["c"]]))
    out = s["size"] // 2
    return with_gradient(s, lambda: F.max_pool2d(x, 3, 2, 1), x, [], [s["n"], out, out, s["c"]])


def global_avg_pool(s):
    x = to_map(numbers("x", [s["n"], s["size"], s["size"], s["c"]]))
    return with_gradient(s, lambda: x.mean((2, 3)), x, [], [s["n"], s["c"]])


def linear(s):
    x, weight, bias = numbers("x", [s["n"], s["c"]]), numbers("weight", [s["k"], s["c"]]), numbers("bias", [s["k"]])
    return with_gradient(s, lambda: F.linear(x, weight, bias), x, [weight, bias], [s["n"], s["k"]])


OPERATIONS = {
    "conv2d": conv2d,
    "tail": tail,
    "max_pool": max_pool,
    "global_avg_pool": global_avg_pool,
    "linear": linear,
}


def timed(run):
    start = time.perf_counter()
    run()
    return (time.perf_counter() - start) * 1e3


def say(message):
    print(json.dumps(message), flush=True)


def sample_of(values):
    last = values.numel() - 1
    places = [i * last // (SAMPLE - 1) for i in range(SAMPLE)]
    return {"sample": values[places].tolist(), "length": values.numel()}


def main():
    parser = argparse.ArgumentParser(description="PyTorch's kernels as a contender of the benchmarks")
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    say({"ready": True, "contender": "pytorch", "version": torch.__version__})
    run = None
    for line in sys.stdin:
        request, _, spec = line.strip().partition(" ")
        if request == "open":
            spec = json.loads(spec)
            run, order = OPERATIONS[spec["kind"]](spec)
            result = sample_of(order(run().detach()))
            timed(run)
            say({**result, "warmMs": timed(run)})
        elif request == "run":
            say({"ms": timed(run)})
        elif request == "exit":
            return


if __name__ == "__main__":
    main()
