"""Handlers of a few lines: seeds of epochs, latent statistics, final weights, pictures, the progress bar."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from ignite.engine import Engine
from torch import nn

from monai_echosynth.data.seeded import SeededSampler
from monai_echosynth.handlers.epoch_seed import EpochSeed
from monai_echosynth.handlers.latent_statistics import LatentStatistics
from monai_echosynth.handlers.mosaic import TensorBoardMosaic, tile
from monai_echosynth.handlers.progress import Progress
from monai_echosynth.handlers.save_weights import SaveWeights
from monai_echosynth.networks.weights import load_weights, weights_digest
from tests.helpers.tiny_generator import tiny_autoencoder, tiny_seg


def test_sampler_learns_the_epoch_before_its_first_draw() -> None:
    sampler = SeededSampler(5, seed=1)
    drawn: dict[int, list[tuple[int, int]]] = {}
    trainer = Engine(lambda engine, batch: drawn.setdefault(engine.state.epoch, []).append(tuple(batch.tolist())))
    EpochSeed(sampler).attach(trainer)
    data = torch.utils.data.DataLoader(_Pairs(), sampler=sampler, batch_size=None)
    trainer.run(data, max_epochs=3)
    for epoch, pairs in drawn.items():
        expected = SeededSampler(5, seed=1)
        expected.set_epoch(epoch)
        assert pairs == list(expected)
    assert drawn[1] != drawn[2]


class _Pairs(torch.utils.data.Dataset):
    def __getitem__(self, key: tuple[int, int]) -> torch.Tensor:
        return torch.tensor(key)

    def __len__(self) -> int:
        return 5


def test_dropout_of_an_epoch_follows_from_seed_epoch_and_rank() -> None:
    def draws(seed: int, rank: int, first: int) -> list[float]:
        drawn: list[float] = []
        sampler = SeededSampler(4, seed=seed, rank=rank, world_size=2)
        trainer = Engine(lambda engine, batch: drawn.append(float(torch.rand(()))))
        EpochSeed(sampler, dropout=True).attach(trainer)
        trainer.state.epoch, trainer.state.max_epochs = first, 3
        trainer.run([0], max_epochs=3)
        return drawn

    with torch.random.fork_rng():
        whole = draws(0, 0, 0)
        assert len(set(whole)) == 3
        assert draws(0, 0, 0) == whole
        assert draws(0, 1, 0) != whole and draws(1, 0, 0) != whole


def test_latent_statistics_are_those_of_the_sector() -> None:
    network = tiny_autoencoder()
    label = tiny_seg(4).argmax(1, keepdim=True)
    batches = [{"image": torch.rand(2, 1, 32, 32), "label": part} for part in label.split(2)]
    LatentStatistics(network, batches)(Engine(lambda *_: None))
    normalized = []
    for batch in batches:
        sector = (batch["label"] > 0).float()
        latent = network.encode_stage_2_inputs(batch["image"] * sector, sector)
        normalized.append(latent[network.latent_sector(sector) > 0])
    inside = torch.cat(normalized)
    assert inside.mean().abs() < 1e-4
    assert inside.std().item() == pytest.approx(network.normalizer.sigma_data, rel=1e-4)


def test_final_weights_are_written_once_and_by_one_rank(tmp_path: Path) -> None:
    network, other = nn.Linear(2, 2), nn.Linear(2, 2)
    trainer = Engine(lambda *_: None)
    SaveWeights(network, [str(tmp_path / "w.safetensors"), str(tmp_path / "w.pt")]).attach(trainer)
    SaveWeights(other, tmp_path / "no.pt", enabled=False).attach(trainer)
    trainer.run(range(1), max_epochs=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["w.pt", "w.safetensors"]
    assert weights_digest(load_weights(other, tmp_path / "w.safetensors")) == weights_digest(network)


def test_tiles_run_in_depth_downwards() -> None:
    """Two frames a column, lateral 2 and depth 3: a picture of 3 rows a column."""
    frames = torch.zeros(2, 1, 2, 3)
    frames[0, 0, :, 2] = 1
    picture = tile([frames, frames])
    assert picture.shape == (1, 6, 4)
    assert picture[0, 2, 0] == 1
    assert picture[0, 0, 0] == 0


def test_mosaic_is_drawn_when_due_and_at_the_end(tmp_path: Path) -> None:
    drawn: list[int] = []

    def columns(engine: Engine) -> list[torch.Tensor]:
        drawn.append(engine.state.epoch)
        return [torch.rand(2, 1, 8, 8)]

    trainer = Engine(lambda *_: None)
    TensorBoardMosaic(tmp_path, "picture", columns, interval=2).attach(trainer)
    trainer.run(range(1), max_epochs=5)
    assert drawn == [2, 4, 5]
    assert list(tmp_path.glob("events*"))


def test_progress_counts_all_epochs(capsys: pytest.CaptureFixture[str]) -> None:
    trainer = Engine(lambda *_: {"loss": torch.tensor(0.5)})
    Progress("gamma-VAE").attach(trainer)
    trainer.run(range(3), max_epochs=2)
    shown = capsys.readouterr().err
    assert "gamma-VAE" in shown and "6/6" in shown and "loss=0.5000" in shown
