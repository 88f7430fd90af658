"""Memory and time of aligning one frame to a whole bank of real frames, as the bank grows.

    python -m benchmarks.bank_memory --frames 64 128 256 512 --size 128

Random frames and weights: neither changes what is allocated. Memory is that of the process above what it has before the bank.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

import torch

from monai_echosynth.alignment.real_bank import RealBank
from monai_echosynth.networks.nets.domain_aligner import DomainAligner
from monai_echosynth.workflows.machine import PeakMemory, describe_machine

__all__ = ["main"]

STRUCTURES = 5


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line for each size of the bank."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bank_memory", description=__doc__)
    parser.add_argument("--frames", type=int, nargs="+", default=[64, 128, 256, 512], metavar="N", help="bank sizes")
    parser.add_argument("--size", type=int, default=128, metavar="PIXELS", help="edge of a frame")
    args = parser.parse_args(argv)
    print(", ".join(f"{key} {value}" for key, value in describe_machine().items()))
    network = DomainAligner(STRUCTURES).eval()
    with PeakMemory() as empty:
        _align(network, *_frames(2, args.size))
    for count in args.frames:
        with PeakMemory() as peak:
            seconds = _align(network, *_frames(count, args.size))
        added = peak.megabytes - empty.megabytes
        print(
            f"{count} frames: {peak.megabytes:.0f} MiB at most, {added:.0f} MiB of them the bank's, {seconds:.2f} s a frame"
        )
    return 0


@torch.inference_mode()
def _align(network: DomainAligner, image: torch.Tensor, seg: torch.Tensor) -> float:
    """Encode the bank, align one frame to all of it; seconds of the latter."""
    features = RealBank(image, seg).encode(network)
    started = time.perf_counter()
    network(image[:1], seg[:1], features)
    return time.perf_counter() - started


def _frames(count: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(count, 1, size, size, generator=generator)
    label = torch.randint(STRUCTURES, (count, 1, size // 8, size // 8), generator=generator)
    label = label.repeat_interleave(8, 2).repeat_interleave(8, 3)
    return image, torch.zeros(count, STRUCTURES, size, size).scatter_(1, label, 1.0)


if __name__ == "__main__":
    sys.exit(main())
