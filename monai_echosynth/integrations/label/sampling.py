r"""Which study to annotate next: the one the segmenter is least sure of, or the one least like what is annotated already.

Uncertainty of a frame is the entropy of the class probabilities, divided by its maximum and averaged over the pixels that may be
part of a structure,

.. math:: U = \frac{1}{|S|} \sum_{x \in S} \frac{-\sum_k p_k(x) \ln p_k(x)}{\ln K}, \qquad S = \{x : 1 - p_0(x) > 0.05\},

and 1 where there is no such pixel: a frame in which nothing is found is the first to look at. Averaged over the whole frame, the
background would hide the rest. Coverage takes the frame that is farthest from its nearest annotated one in the embeddings of the
segmenter, each scaled to unit variance; nothing annotated, the most typical frame comes first.

References:
    Sener, Savarese, Active Learning for Convolutional Neural Networks: A Core-Set Approach, ICLR 2018, https://arxiv.org/abs/1708.00489
    Settles, Active Learning Literature Survey, 2009, http://digital.library.wisc.edu/1793/60660
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.label.frame_segmenter import FrameSegmenter
from monai_echosynth.integrations.label.study import read_study

__all__ = ["Choice", "StudyRanking", "Strategy", "novelty", "uncertainty"]

_MAYBE = 0.05
_FRAMES = 8
_STUDIES = 64


class Strategy(StrEnum):
    """How the next study is chosen."""

    UNCERTAINTY = "uncertainty"
    """The study with the frame that the segmenter is least sure of."""
    COVERAGE = "coverage"
    """The study with the frame that is least like the annotated ones."""


@dataclass(frozen=True)
class Choice:
    """A study to annotate: its id, the frame that was decisive, and its score."""

    id: str
    frame: int
    score: float


@dataclass(frozen=True)
class _Seen:
    """What the segmenter made of a study: frame numbers, uncertainty (n,) and embeddings (n, F)."""

    frames: tuple[int, ...]
    uncertainty: Tensor
    features: Tensor


def uncertainty(probabilities: Tensor) -> Tensor:
    """Uncertainty (B,) in [0, 1] of class probabilities (B, K, X, Y), channel 0 being the background."""
    entropy = torch.special.entr(probabilities).sum(dim=1) / math.log(probabilities.shape[1])
    maybe = (1.0 - probabilities[:, 0] > _MAYBE).to(entropy.dtype)
    count = maybe.sum(dim=(1, 2))
    mean = (entropy * maybe).sum(dim=(1, 2)) / count.clamp_min(1.0)
    return torch.where(count > 0, mean, torch.ones_like(mean))


def novelty(features: Tensor, annotated: Tensor | None = None) -> Tensor:
    """How unlike the annotated frames (M, F) each frame (N, F) is, (N,): larger is to be annotated earlier.

    The distance to the nearest annotated frame; with none, minus the distance to the mean.
    """
    everything = features if annotated is None else torch.cat([features, annotated])
    spread = everything.std(dim=0, correction=0).clamp_min(1e-6)
    if annotated is None:
        return -((features - features.mean(dim=0)) / spread).norm(dim=1)
    return torch.cdist(features / spread, annotated / spread).min(dim=1).values


class StudyRanking:
    """Ranks studies with a segmenter; what it saw in a study is kept until the file or the weights change.

    Args:
        segmenter: the segmenter.
    """

    def __init__(self, segmenter: FrameSegmenter) -> None:
        self.segmenter = segmenter
        self._seen: dict[Path, tuple[tuple[int, ...], _Seen]] = {}

    def choose(
        self, strategy: Strategy, open_studies: Mapping[str, Path], annotated: Sequence[Path] = ()
    ) -> Choice | None:
        """The study to annotate next.

        Args:
            strategy: how to choose.
            open_studies: files without a label by id; of more than 64, every n-th is looked at.
            annotated: files that have a label.

        Returns:
            None where no study is open.

        Raises:
            EchoSynthError: no open study can be read; says why for the first.
        """
        names = sorted(open_studies)[:: max(1, math.ceil(len(open_studies) / _STUDIES))]
        seen: dict[str, _Seen] = {}
        problem: EchoSynthError | None = None
        for name in names:
            try:
                seen[name] = self._look(open_studies[name])
            except EchoSynthError as error:  # one bad file must not stop the annotation of the others
                problem = problem or error
        if not seen:
            if problem is not None:
                raise problem
            return None
        if strategy is Strategy.UNCERTAINTY:
            scores = torch.cat([study.uncertainty for study in seen.values()])
        else:
            scores = novelty(torch.cat([study.features for study in seen.values()]), self._features(annotated))
        places = [(name, frame) for name, study in seen.items() for frame in study.frames]
        best = int(scores.argmax())
        return Choice(*places[best], score=float(scores[best]))

    def _features(self, paths: Sequence[Path]) -> Tensor | None:
        found = [self._look(path).features for path in paths[:: max(1, math.ceil(len(paths) / _STUDIES))]]
        return torch.cat(found) if found else None

    def _look(self, path: Path) -> _Seen:
        stamp = (*self.segmenter.stamp(), path.stat().st_mtime_ns if path.is_file() else 0)
        if path not in self._seen or self._seen[path][0] != stamp:
            frames = read_study(path).frames
            count = frames.shape[-1]
            chosen = np.unique(np.linspace(0, count - 1, min(count, _FRAMES)).round().astype(int))
            some = np.ascontiguousarray(frames[..., chosen])
            found = _Seen(
                tuple(int(number) for number in chosen),
                uncertainty(self.segmenter.probabilities(some)),
                self.segmenter.features(some),
            )
            self._seen[path] = (stamp, found)
        return self._seen[path][1]
