"""Writes a net of pytorch.py, in eval mode, as an ONNX file for onnxruntime.mjs.

    python export_onnx.py --model se_resnet50 --out se_resnet50.onnx

The batch is dynamic unless --batch is given. Weights are seeded and random: the files are for timing only.
"""

import argparse

import torch

from pytorch import MODELS, build


def main():
    parser = argparse.ArgumentParser(description="export a contender's net to ONNX")
    parser.add_argument("--model", choices=MODELS, required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--batch", type=int, default=0, help="0: dynamic")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--stride-in", choices=("1x1", "3x3"), default="1x1")
    args = parser.parse_args()

    torch.manual_seed(0)
    net = build(args.model, args.stride_in).eval()
    dynamic = None if args.batch > 0 else {"input": {0: "batch"}, "logits": {0: "batch"}}
    # The exporter without dynamo is the one that needs no onnxscript.
    torch.onnx.export(
        net,
        (torch.zeros(max(args.batch, 1), 3, args.size, args.size),),
        args.out,
        input_names=["input"],
        output_names=["logits"],
        dynamic_axes=dynamic,
        opset_version=17,
        dynamo=False,
    )


if __name__ == "__main__":
    main()
