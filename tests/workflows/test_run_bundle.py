"""Errors of the user's input come out of a bundle as they went in; everything else keeps its wrapping."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.workflows.run_bundle import run_bundle


def _bundle(root: Path, **config: Any) -> Path:
    (root / "configs").mkdir(parents=True)
    content = {"initialize": [], "run": ["$1 + @value"], "finalize": [], "value": 1, **config}
    (root / "configs" / "inference.json").write_text(json.dumps(content))
    return root


def _raising(error: str) -> dict[str, Any]:
    imports = ["$from monai_echosynth.errors import EchoSynthError"]
    return {"imports": imports, "run": [f"$(_ for _ in ()).throw({error})"]}


def test_ids_are_replaced(tmp_path: Path) -> None:
    workflow = run_bundle(_bundle(tmp_path), "inference.json", "inference", value=41)
    assert workflow.parser.get_parsed_content("run") == [42]


@pytest.mark.parametrize(
    ("error", "kind"), [("EchoSynthError('spoon')", EchoSynthError), ("OSError(28, 'spoon')", OSError)]
)
def test_errors_for_the_user_come_out_unwrapped(tmp_path: Path, error: str, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="spoon"):
        run_bundle(_bundle(tmp_path, **_raising(error)), "inference.json", "inference")


def test_other_errors_stay_errors(tmp_path: Path) -> None:
    with pytest.raises(Exception) as caught:
        run_bundle(_bundle(tmp_path, **_raising("ZeroDivisionError('spoon')")), "inference.json", "inference")
    assert not isinstance(caught.value, EchoSynthError)


def test_missing_config_is_named(tmp_path: Path) -> None:
    with pytest.raises(EchoSynthError, match=r"configs/train\.json was expected"):
        run_bundle(_bundle(tmp_path), ["inference.json", "train.json"], "train")
