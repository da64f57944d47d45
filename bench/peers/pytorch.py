"""PyTorch as a contender of the benchmarks: one process, one net, one variant, one timed iteration on request.

    python pytorch.py --model se_resnet20 --mode train --batch 128 --size 32 --variant channels_last

Protocol, one JSON object a line. Once warm it prints {"ready": true, "contender": "pytorch-<variant>", "version": "...",
"createMs": ..., "firstMs": ..., "warmMs": ..., ...}: milliseconds to make the net, of its first iteration and of the last
before that line, and "logits" of the images or, in training, "losses" of the first three steps, by which contenders are
checked against each other. For each line "run" on standard input it does one timed iteration and prints {"ms": number};
"exit" or the end of the input ends it. So a harness can hold several contenders, each in its own process, and take rounds
in turn. Contenders in Node answer "stats", too, with the delay of their event loop since "reset".

A training iteration is zero_grad, forward, cross-entropy, backward and an SGD step (momentum 0.9, weight decay 1e-4,
fused) on one fixed batch; an inference iteration is one forward pass in eval mode.

PyTorch is fastest with glibc told to keep freed memory; without that each step pays page faults for every activation.
glibc reads these before the program starts, so the harness sets them, not this script:

    MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=34359738368 MALLOC_TOP_PAD_=268435456

"keptMemory" in the ready line says whether the first one is set. Variants: eager (NCHW), channels_last, compiled
(channels_last and torch.compile, whose Inductor freezes the weights in inference, so BN is folded). With kept memory,
channels_last and compiled are equal in training, and compiled is the faster in inference.

Onnxruntime's threads spin for some milliseconds after a run: a harness has to wait (0.2 s) before another contender's
turn, and to drop the first iteration of a turn.
"""

import argparse
import json
import math
import os
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

from tensors import read_tensors

REDUCTION = 16
MODELS = ("se_resnet50", "resnet50", "se_resnet20", "resnet20")


class SqueezeExcite(nn.Module):
    """The two FC layers, with biases, are 1x1 convolutions of the pooled map, so that ONNX keeps them in its layout."""

    def __init__(self, channels):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.reduce = nn.Conv2d(channels, max(channels // REDUCTION, 1), 1)
        self.expand = nn.Conv2d(max(channels // REDUCTION, 1), channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.expand(F.relu(self.reduce(self.pool(x)), inplace=True)))


def conv_bn(c_in, c_out, kernel, stride=1):
    conv = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, bias=False)
    nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    return nn.Sequential(conv, nn.BatchNorm2d(c_out))


class Block(nn.Module):
    """relu(se(branch(x)) + shortcut(x)); the shortcut is a 1x1 convolution and BN where the shape changes."""

    def __init__(self, branch, c_in, c_out, stride, se):
        super().__init__()
        self.branch = branch
        self.se = SqueezeExcite(c_out) if se else nn.Identity()
        same = c_in == c_out and stride == 1
        self.shortcut = nn.Identity() if same else conv_bn(c_in, c_out, 1, stride)

    def forward(self, x):
        return F.relu(self.se(self.branch(x)).add_(self.shortcut(x)), inplace=True)


def bottleneck(c_in, width, stride, se, stride_in):
    first, second = (stride, 1) if stride_in == "1x1" else (1, stride)
    branch = nn.Sequential(
        conv_bn(c_in, width, 1, first),
        nn.ReLU(inplace=True),
        conv_bn(width, width, 3, second),
        nn.ReLU(inplace=True),
        conv_bn(width, width * 4, 1),
    )
    return Block(branch, c_in, width * 4, stride, se)


def basic(c_in, width, stride, se):
    branch = nn.Sequential(conv_bn(c_in, width, 3, stride), nn.ReLU(inplace=True), conv_bn(width, width, 3))
    return Block(branch, c_in, width, stride, se)


def build(name, stride_in="1x1"):
    """A fresh net in training mode: ResNet-50 for 1000 classes, or the ResNet-20 of CIFAR-10."""
    if name not in MODELS:
        raise ValueError(f"model: expected one of {', '.join(MODELS)}, received {name}")
    se = name.startswith("se_")
    if name.endswith("resnet50"):
        layers, classes = [conv_bn(3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)], 1000
        stages = ((3, 64), (4, 128), (6, 256), (3, 512))
        expansion = 4
    else:
        layers, classes = [conv_bn(3, 16, 3), nn.ReLU(inplace=True)], 10
        stages = ((3, 16), (3, 32), (3, 64))
        expansion = 1
    channels = stages[0][1]
    for stage, (blocks, width) in enumerate(stages):
        for i in range(blocks):
            stride = 2 if stage > 0 and i == 0 else 1
            if expansion == 4:
                block = bottleneck(channels, width, stride, se, stride_in)
            else:
                block = basic(channels, width, stride, se)
            block.title = f"layer{stage + 1}.{i}"
            layers.append(block)
            channels = width * expansion
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


def named_layers(net):
    """The layers that have weights, under timm's names, which senet's files have."""

    def pair(layers, conv, norm):
        return [(conv, layers[0]), (norm, layers[1])]

    names = pair(net[0], "conv1", "bn1") + [("fc", net[-1])]
    for block in (layer for layer in net if isinstance(layer, Block)):
        convs = [layer for layer in block.branch if isinstance(layer, nn.Sequential)]
        inside = [name for i, each in enumerate(convs, 1) for name in pair(each, f"conv{i}", f"bn{i}")]
        if isinstance(block.se, SqueezeExcite):
            inside += [("se.fc1", block.se.reduce), ("se.fc2", block.se.expand)]
        if isinstance(block.shortcut, nn.Sequential):
            inside += pair(block.shortcut, "downsample.0", "downsample.1")
        names += [(f"{block.title}.{name}", layer) for name, layer in inside]
    return names


def load(net, path):
    tensors = read_tensors(path)
    for name, layer in named_layers(net):
        state = {key: tensors.pop(f"{name}.{key}") for key in layer.state_dict() if key != "num_batches_tracked"}
        layer.load_state_dict(state, strict=False)
    if tensors:
        raise ValueError(f"{path}: the net has no {', '.join(tensors)}")


def batch_of(args):
    """Images [N, C, H, W] and labels: those of the file, or random ones."""
    if args.images:
        tensors = read_tensors(args.images)
        return tensors["images"].permute(0, 3, 1, 2).contiguous(), tensors["labels"].long()
    classes = 1000 if args.model.endswith("50") else 10
    return torch.randn(args.batch, 3, args.size, args.size), torch.randint(0, classes, (args.batch,))


def iteration(args):
    """The function that does one iteration and returns the logits, or the loss before the step."""
    torch.manual_seed(0)
    net = build(args.model, args.stride_in)
    if args.weights:
        load(net, args.weights)
    x, labels = batch_of(args)
    if args.variant != "eager":
        net, x = net.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    if args.mode == "infer":
        net.eval()
        if args.variant == "compiled":
            from torch._inductor import config

            config.freezing = True
    forward = torch.compile(net) if args.variant == "compiled" else net

    def infer():
        # no_grad, since Inductor does not freeze under inference_mode.
        with torch.no_grad():
            return forward(x)

    if args.mode == "infer":
        return infer

    sgd = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9, weight_decay=1e-4, fused=True)

    def train():
        sgd.zero_grad(set_to_none=True)
        loss = F.cross_entropy(forward(x), labels)
        loss.backward()
        sgd.step()
        return loss.detach()

    return train


def timed(step):
    start = time.perf_counter()
    result = step()
    ms = (time.perf_counter() - start) * 1e3
    if not math.isfinite(result.sum().item()):
        raise RuntimeError("the loss or the sum of the logits is not finite")
    return ms, result


def say(message):
    print(json.dumps(message), flush=True)


def serve(step):
    for line in sys.stdin:
        if line.strip() == "run":
            say({"ms": timed(step)[0]})
        elif line.strip() == "exit":
            return


def main():
    parser = argparse.ArgumentParser(description="PyTorch as a contender of the benchmarks")
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--mode", choices=("train", "infer"), required=True)
    parser.add_argument("--variant", choices=("eager", "channels_last", "compiled"), default="channels_last")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--stride-in", choices=("1x1", "3x3"), default="1x1", help="the paper's is 1x1")
    parser.add_argument("--warmup", type=int, default=3)
    parser.add_argument("--weights", help="a safetensors file with timm's names")
    parser.add_argument("--images", help="a safetensors file with images [N, H, W, C] and labels")
    args = parser.parse_args()

    torch.set_num_threads(args.threads)
    start = time.perf_counter()
    step = iteration(args)
    create_ms = (time.perf_counter() - start) * 1e3
    warm = [timed(step) for _ in range(max(1, args.warmup))]
    results = [result.flatten().tolist() for _, result in warm]
    checked = {"logits": results[0]} if args.mode == "infer" else {"losses": [loss for loss, in results[:3]]}
    say({
        "ready": True,
        "contender": f"pytorch-{args.variant}",
        "version": torch.__version__,
        "model": args.model,
        "keptMemory": os.environ.get("MALLOC_MMAP_MAX_") == "0",
        "createMs": create_ms,
        "firstMs": warm[0][0],
        "warmMs": warm[-1][0],
        **checked,
    })
    serve(step)


if __name__ == "__main__":
    main()
