"""Attention to a bank against a plain implementation, in one piece and in chunks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.blocks.bank_attention import BankAttention

SIDE, CHANNELS, VALUES, HEADS = 8, 8, 4, 2


def _bank(frames: int = 5, groups: int = 1, batch: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    query = torch.randn(batch, CHANNELS, SIDE, SIDE, generator=generator)
    key = torch.randn(groups, frames, CHANNELS, SIDE, SIDE, generator=generator)
    return query, key, torch.randn(groups, frames, VALUES, SIDE, SIDE, generator=generator)


def _plain(query: Tensor, key: Tensor, value: Tensor, heads: int, window: int | None) -> Tensor:
    """Position by position, key by key."""
    output = torch.zeros(len(query), VALUES, SIDE, SIDE)
    size, part = CHANNELS // heads, VALUES // heads
    for b in range(len(query)):
        group = b if len(key) > 1 else 0
        for x in range(SIDE):
            for y in range(SIDE):
                places = _seen(x, y, window)
                for h in range(heads):
                    q = query[b, h * size : (h + 1) * size, x, y]
                    k = torch.stack([frame[h * size : (h + 1) * size, i, j] for frame in key[group] for i, j in places])
                    v = torch.stack(
                        [frame[h * part : (h + 1) * part, i, j] for frame in value[group] for i, j in places]
                    )
                    output[b, h * part : (h + 1) * part, x, y] = (k @ q / size**0.5).softmax(0) @ v
    return output


def _seen(x: int, y: int, window: int | None) -> list[tuple[int, int]]:
    """Positions that a query looks at; beyond the border its nearest one stands in."""
    if window is None:
        return [(i, j) for i in range(SIDE) for j in range(SIDE)]
    halo = window // 2
    rows, columns = (range(c // window * window - halo, c // window * window + window + halo) for c in (x, y))
    return [(min(max(i, 0), SIDE - 1), min(max(j, 0), SIDE - 1)) for i in rows for j in columns]


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("window", [None, 4])
def test_equals_a_plain_implementation(window: int | None, groups: int) -> None:
    query, key, value = _bank(groups=groups)
    found = BankAttention(HEADS, window)(query, key, value)
    torch.testing.assert_close(found, _plain(query, key, value, HEADS, window), atol=1e-5, rtol=0)


@pytest.mark.parametrize("chunk", [1, 2, 4])
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("window", [None, 4])
def test_chunks_change_nothing(window: int | None, groups: int, chunk: int) -> None:
    query, key, value = _bank(groups=groups)
    query = 6.0 * query  # sharp attention: chunks differ by orders of magnitude
    whole = BankAttention(HEADS, window, chunk=100)(query, key, value)
    torch.testing.assert_close(BankAttention(HEADS, window, chunk)(query, key, value), whole, atol=1e-5, rtol=0)


def test_chunks_change_no_gradient() -> None:
    query, key, value = _bank()
    gradients = []
    for chunk in (2, 100):
        q, k, v = (tensor.clone().requires_grad_() for tensor in (query, key, value))
        BankAttention(HEADS, 4, chunk)(q, k, v).square().sum().backward()
        gradients.append((q.grad, k.grad, v.grad))
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("window", [None, 4])
def test_weights_are_those_of_the_output(window: int | None) -> None:
    query, key, value = _bank(batch=1)
    attention = BankAttention(HEADS, window)
    weights = attention.weights(query, key, (2, 5))
    torch.testing.assert_close(weights.sum(dim=(1, 2, 3)), torch.ones(HEADS))
    expected = torch.einsum("hkxy,khexy->he", weights, value[0].unflatten(1, (HEADS, -1))).flatten()
    torch.testing.assert_close(attention(query, key, value)[0, :, 2, 5], expected, atol=1e-5, rtol=0)


def test_empty_bank_is_refused() -> None:
    query, key, value = _bank(frames=0)
    with pytest.raises(EchoSynthError, match="empty"):
        BankAttention(HEADS)(query, key, value)


@pytest.mark.parametrize(
    "other", [(1, 5, CHANNELS, 4, 4), (1, 5, CHANNELS + 2, SIDE, SIDE), (2, 5, CHANNELS, SIDE, SIDE)]
)
def test_bank_of_another_shape_is_refused(other: tuple[int, ...]) -> None:
    query, _, value = _bank()
    with pytest.raises(EchoSynthError, match="bank must have the channels and size"):
        BankAttention(HEADS)(query, torch.zeros(other), value)


@pytest.mark.parametrize(("heads", "window"), [(3, None), (2, 3)])
def test_maps_that_do_not_divide_are_refused(heads: int, window: int | None) -> None:
    with pytest.raises(EchoSynthError, match="divide"):
        BankAttention(heads, window)(*_bank())
