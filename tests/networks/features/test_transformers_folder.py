"""CLIP and DINOv2 folders made on the spot: embeddings, layers, texts, and what is said about folders that do not fit."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.networks.features.transformers_folder import clip_text, text_encoder, transformers_features

transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore")

SMALL = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}


def frames(seed: int = 0) -> Tensor:
    return torch.rand((2, 1, 24, 24), generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clip")
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters), "he"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\nh e\n")
    text = {**SMALL, "vocab_size": len(words), "max_position_embeddings": 20, "bos_token_id": 0, "eos_token_id": 1}
    vision = {**SMALL, "image_size": 32, "patch_size": 8}
    torch.manual_seed(0)
    config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=12)
    transformers.CLIPModel(config).save_pretrained(folder)
    transformers.CLIPTokenizer(str(folder / "vocab.json"), str(folder / "merges.txt")).save_pretrained(folder)
    return folder


def test_clip_sees_frames_and_reads_sentences(clip: Path) -> None:
    both = clip_text(clip)
    found = both.network(frames())
    assert torch.allclose(found.vector.norm(dim=1), torch.ones(2), atol=1e-5) and found.vector.shape == (2, 12)
    assert [level.shape for level in found.levels] == [(2, 16, 4, 4)] * 2
    assert both.network.published_cmmd and len(both.network.sha256) == 64
    texts = both.texts(["a heart", "the heart from the side of the heart that is far away"])
    assert torch.allclose(texts.norm(dim=1), torch.ones(2), atol=1e-5)
    scores = both.score(frames(), ["a heart", "zzz"])
    wanted = 100 * (found.vector * both.texts(["a heart", "zzz"])).sum(dim=1).clamp_min(0)
    assert torch.allclose(scores, wanted) and (scores >= 0).all() and (scores <= 100).all()


def test_layers_keep_the_axes_of_the_frame(clip: Path) -> None:
    """A change of the frame at one side changes the tokens of that side most, before attention has spread it."""
    network = transformers_features(clip, "CLIP")
    image = torch.full((1, 1, 32, 32), 0.5)
    changed = image.clone()
    changed[..., :8, :] = 1.0  # first lateral patch column
    moved = (network(changed).levels[0] - network(image).levels[0]).abs().mean(dim=(0, 1))
    assert moved[0].min() > 2 * moved[1:].max()


def test_dinov2_has_vectors_and_layers(tmp_path: Path) -> None:
    torch.manual_seed(0)
    config = transformers.Dinov2Config(
        **{k: v for k, v in SMALL.items() if k != "intermediate_size"}, image_size=28, patch_size=14
    )
    transformers.Dinov2Model(config).save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text(
        json.dumps({"crop_size": {"height": 28, "width": 28}, "image_mean": [0.5] * 3})
    )
    network = transformers_features(tmp_path, "DINOv2")
    found = network(frames())
    assert found.vector.shape == (2, 16) and found.levels[0].shape == (2, 16, 2, 2) and not network.published_cmmd
    with pytest.raises(EchoSynthError, match="needs a CLIP model, got dinov2"):
        clip_text(tmp_path)


def test_folders_that_do_not_fit_are_named(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match=r"config\.json and weights was expected, got .*absent"):
        transformers_features(tmp_path / "absent", "CLIP")
    (tmp_path / "config.json").write_text((clip / "config.json").read_text())
    with pytest.raises(EchoSynthError, match="cannot be loaded"):
        transformers_features(tmp_path, "CLIP")
    (tmp_path / "model.safetensors").write_bytes((clip / "model.safetensors").read_bytes())
    with pytest.raises(EchoSynthError, match="tokenizer is needed"):
        clip_text(tmp_path)


def test_text_side_gives_hidden_states_of_one_length(clip: Path) -> None:
    encoder = text_encoder(clip)
    states = encoder.encode(["a heart", "the heart", "zzz"])
    assert states.shape == (3, 20, 16) == (3, encoder.length, encoder.width) and states.dtype == torch.float32
    assert torch.equal(encoder.encode(["the heart"])[0], encoder.encode(["the heart", "a"])[0])
    assert not torch.equal(states[0], states[2]) and not states.requires_grad
    assert len(encoder.sha256) == 64 and encoder.sha256 != clip_text(clip).network.sha256
    assert encoder.encode(["he " * 40]).shape == (1, 20, 16)  # cut


def test_text_side_alone_and_folders_without_one(clip: Path, tmp_path: Path) -> None:
    model = transformers.CLIPModel.from_pretrained(clip)
    alone = transformers.CLIPTextModel(model.config.text_config)
    getattr(alone, "text_model", alone).load_state_dict(model.text_model.state_dict())
    for name in ("vocab.json", "merges.txt", "tokenizer.json", "tokenizer_config.json"):
        if (clip / name).is_file():
            (tmp_path / name).write_bytes((clip / name).read_bytes())
    alone.save_pretrained(tmp_path)
    torch.testing.assert_close(text_encoder(tmp_path).encode(["a"]), text_encoder(clip).encode(["a"]))
    config = transformers.Dinov2Config(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=28)
    transformers.Dinov2Model(config).save_pretrained(tmp_path / "vision")
    with pytest.raises(EchoSynthError, match="a text model was expected, got dinov2"):
        text_encoder(tmp_path / "vision")
    with pytest.raises(EchoSynthError, match=r"config\.json and weights was expected"):
        text_encoder(tmp_path / "absent")


def test_a_missing_package_is_named(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(EchoSynthError, match=r"pip install 'monai-echosynth\[metrics\]'"):
        transformers_features(clip, "CLIP")
