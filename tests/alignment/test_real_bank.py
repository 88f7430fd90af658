"""The bank of real frames, its file, and what a frozen segmenter sees in it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from monai_echosynth.alignment.bank_file import load_bank, save_bank
from monai_echosynth.alignment.frozen_segmenter import FrozenSegmenter, load_frozen_segmenter
from monai_echosynth.alignment.real_bank import RealBank
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.nets.domain_aligner import DomainAligner
from monai_echosynth.networks.weights import weights_digest

SIDE = 32


class _Threshold(nn.Module):
    """Background where the image is dark, structure 1 where it is bright; a structure 2 never."""

    def forward(self, image: Tensor) -> Tensor:
        return torch.cat([-10 * image, 10 * image, torch.full_like(image, -50.0)], dim=1)


def items(count: int, side: int = SIDE) -> list[dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(count, 1, side, side, generator=generator)
    sector = torch.zeros(count, 1, side, side, dtype=torch.bool)
    sector[..., 2:-2] = True
    return [{"image": i * s, "sector": s} for i, s in zip(image, sector, strict=True)]


def segmenter() -> FrozenSegmenter:
    return FrozenSegmenter(_Threshold(), SIDE)


def test_membership_is_what_the_segmenter_sees_inside_the_sector() -> None:
    bank = RealBank.from_items(items(3), segmenter())
    assert bank.seg.shape == (3, 4, SIDE, SIDE)
    torch.testing.assert_close(bank.seg.sum(dim=1), torch.ones(3, SIDE, SIDE))
    assert (bank.seg[:, 0, :, :2] == 1).all() and (bank.seg[:, 0, :, 2:-2] == 0).all()
    bright = bank.image[0, 0] > bank.image[0].mean() + 0.3
    assert bank.seg[0, 1][bright].min() > 0.9


def test_segmenter_of_another_size_answers_on_the_grid_of_the_image() -> None:
    image = items(2, side=64)[0]["image"][None]
    assert FrozenSegmenter(_Threshold(), SIDE)(image).shape == (1, 3, 64, 64)


def test_disagreement_is_small_for_the_right_mask_and_has_a_gradient() -> None:
    image = torch.zeros(1, 1, SIDE, SIDE)
    image[..., 8:24, 8:24] = 1.0
    right = torch.stack([torch.zeros(SIDE, SIDE), image[0, 0], torch.zeros(SIDE, SIDE), 1 - image[0, 0]])[None]
    wrong = torch.stack([torch.zeros(SIDE, SIDE), 1 - image[0, 0], torch.zeros(SIDE, SIDE), image[0, 0]])[None]
    image.requires_grad_()
    good, bad = segmenter().disagreement(image, right), segmenter().disagreement(image, wrong)
    assert good < 0.5 < bad  # a structure that neither shows counts as full agreement
    bad.backward()
    assert image.grad is not None and image.grad.any()


def _block(first: int, last: int) -> tuple[Tensor, Tensor]:
    """A bright block, and the membership maps of it."""
    image = torch.zeros(1, 1, SIDE, SIDE)
    image[..., first:last, 8:24] = 1.0
    empty = torch.zeros(1, 1, SIDE, SIDE)
    return image, torch.cat([empty, image, empty, 1 - image], dim=1)


def test_frames_are_held_to_what_the_segmenter_saw_where_that_is_nearly_the_mask() -> None:
    image, _ = _block(8, 24)
    _, mask = _block(7, 23)
    to_mask = segmenter().disagreement(image, mask)
    to_view = segmenter().disagreement(image, mask, image)
    moved = segmenter().disagreement(_block(7, 23)[0], mask, image)
    assert to_view < to_mask  # staying is cheapest
    assert moved > to_view  # even though the mask would have it move


def test_frames_are_held_to_the_mask_where_the_segmenter_saw_something_else() -> None:
    image, mask = _block(8, 24)
    blind = torch.zeros_like(image)
    torch.testing.assert_close(segmenter().disagreement(image, mask, blind), segmenter().disagreement(image, mask))


def test_segmenter_of_other_labels_is_refused() -> None:
    with pytest.raises(EchoSynthError, match="label table"):
        segmenter().disagreement(torch.rand(1, 1, SIDE, SIDE), torch.rand(1, 5, SIDE, SIDE))


def test_segmenter_stays_frozen() -> None:
    network = FrozenSegmenter(nn.Sequential(nn.Conv2d(1, 3, 1), nn.Dropout(0.5)), SIDE)
    nn.ModuleList([network]).train()
    assert not network.network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_missing_segmenter_is_named(tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match="echo_segmentation bundle"):
        load_frozen_segmenter(tmp_path)


class Elsewhere(FrozenSegmenter):
    """Says where frames must be to be looked at."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(1, 4, 1, device="meta"), SIDE)

    def membership(self, image: Tensor, sector: Tensor) -> Tensor:
        assert image.device.type == sector.device.type == "meta"
        return torch.rand(len(image), 5, SIDE, SIDE) * 0.4


def test_frames_go_to_where_the_segmenter_is_and_it_stays() -> None:
    segmenter = Elsewhere()
    items = [{"image": torch.rand(1, SIDE, SIDE), "sector": torch.ones(1, SIDE, SIDE)} for _ in range(3)]
    bank = RealBank.from_items(items, segmenter)
    assert bank.image.device.type == bank.seg.device.type == "cpu"
    assert next(segmenter.parameters()).device.type == "meta"


def test_a_frame_that_is_flat_inside_its_sector_is_refused() -> None:
    image, seg = torch.rand(2, 1, SIDE, SIDE), torch.zeros(2, 5, SIDE, SIDE)
    seg[:, 0, : SIDE // 2], seg[:, 1, SIDE // 2 :] = 1.0, 1.0
    RealBank(image, seg)
    image[1, :, SIDE // 2 :] = 0.4
    with pytest.raises(EchoSynthError, match="frame 1 is constant"):
        RealBank(image, seg)


def test_large_banks_are_thinned_evenly() -> None:
    found = items(9)
    bank = RealBank.from_items(found, segmenter(), limit=3)
    assert torch.equal(bank.image, torch.stack([found[i]["image"] for i in (0, 4, 8)]))


@pytest.mark.parametrize("count", [0, 1])
def test_too_few_frames_are_refused(count: int) -> None:
    with pytest.raises(EchoSynthError, match="bank needs"):
        RealBank.from_items(items(count), segmenter())


def test_frames_of_several_sizes_are_refused() -> None:
    with pytest.raises(EchoSynthError, match="one size"):
        RealBank.from_items(items(2) + items(2, side=64), segmenter())


@pytest.mark.parametrize(("value", "message"), [(float("nan"), "finite"), (0.5, "constant")])
def test_useless_frames_are_refused(value: float, message: str) -> None:
    bank = RealBank.from_items(items(3), segmenter())
    bank.image[1] = value
    with pytest.raises(EchoSynthError, match=f"frame 1 is .*{message}|{message}.*frame 1"):
        RealBank(bank.image, bank.seg)


def test_encoding_in_parts_equals_encoding_at_once() -> None:
    bank = RealBank.from_items(items(20), segmenter())
    network = DomainAligner(structures=4, channels=(8, 8, 16, 16))
    with torch.no_grad():
        whole = network.encode_bank(bank.image, bank.seg)
    found = bank.encode(network)
    assert len(found) == 20
    for one, other in zip(
        (*whole.keys, *whole.values, whole.statistics), (*found.keys, *found.values, found.statistics), strict=True
    ):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=0)


def _stored(tmp_path: Path) -> tuple[DomainAligner, RealBank, Path]:
    network = DomainAligner(structures=4, channels=(8, 8, 16, 16))
    bank = RealBank.from_items(items(3), segmenter())
    bank.fit(network, [{"image": bank.image[0], "seg": bank.seg[0]}])
    save_bank(bank.encode(network), tmp_path / "bank.safetensors", weights_digest(network))
    return network, bank, tmp_path / "bank.safetensors"


def test_a_stored_bank_aligns_like_the_frames(tmp_path: Path) -> None:
    network, bank, path = _stored(tmp_path)
    stored = load_bank(path, weights_digest(network))
    nn.init.normal_(network.local_stage.detail.weight)  # type: ignore[union-attr]
    with torch.no_grad():
        images = [network(bank.image, bank.seg, found)["image"] for found in (bank.encode(network), stored)]
    torch.testing.assert_close(*images, atol=5e-3, rtol=0)
    assert not torch.equal(images[1], bank.image)


def test_bank_of_other_weights_is_refused_with_both_digests(tmp_path: Path) -> None:
    network, _, path = _stored(tmp_path)
    digest = weights_digest(network)
    with pytest.raises(EchoSynthError, match=f"{digest[:12]}.*{'f' * 12}"):
        load_bank(path, "f" * 64)


@pytest.mark.parametrize("content", [None, b"", b"no safetensors at all"])
def test_missing_and_damaged_banks_are_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bank.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(EchoSynthError, match="bank"):
        load_bank(path, "0" * 64)
