"""A subset trains on the first frames and keeps the other sections."""

from __future__ import annotations

from pathlib import Path

import pytest

from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.data.subset import write_subset
from monai_echosynth.errors import EchoSynthError
from tests.helpers.tiny_prepared import write_tiny_prepared


def test_smaller_subsets_are_heads_of_larger_ones(tmp_path: Path) -> None:
    whole = write_tiny_prepared(tmp_path / "whole")
    frames = load_datalist(whole, "training")
    for count in (1, 4, 6):
        folder = write_subset(whole, tmp_path / str(count), count)
        assert load_datalist(folder, "training") == frames[:count]
        for section in ("validation", "test"):
            assert load_datalist(folder, section) == load_datalist(whole, section)


@pytest.mark.parametrize("count", [0, 7])
def test_more_frames_than_there_are_are_refused(tmp_path: Path, count: int) -> None:
    whole = write_tiny_prepared(tmp_path / "whole")
    with pytest.raises(EchoSynthError, match=f"1 to 6 training frames of .*, got {count}"):
        write_subset(whole, tmp_path / "few", count)
    assert not (tmp_path / "few").exists()
