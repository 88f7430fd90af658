"""What the demonstration asks a running server, and what has to come back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.label.app_folder import SEGMENTER
from monai_echosynth.integrations.label.client import ask, curl
from monai_echosynth.integrations.label.demo_checks import Checks, mean_dice, same_geometry
from monai_echosynth.integrations.label.demo_studies import DemoStudies
from monai_echosynth.integrations.label.study import read_maps

__all__ = ["Session", "tour_ours", "tour_stock"]

ENOUGH = 0.8
_JUDGED = 4  # phantom frames that Dice is measured on; the others are annotated
_TRAINING_SECONDS = 3600


@dataclass(frozen=True)
class Session:
    """A running server and what it is asked about."""

    title: str
    app: Path
    url: str
    client: Any
    studies: DemoStudies
    ids: dict[str, int]
    checks: Checks
    out: Path

    def say(self, name: str, passed: bool, detail: str = "") -> None:
        """Keeps a result."""
        self.checks.add(f"{self.title}: {name}", passed, detail)

    def ask(self, request: str, *arguments: Any, **options: Any) -> Any:
        """Answer to a method of MONAI Label's client."""
        return ask(self.client, request, *arguments, **options)

    def infer(self, study: str, params: Mapping[str, Any] | None = None) -> tuple[Path, dict[str, Any]]:
        """Label map file of a study and what the server says about it."""
        path, answer = self.ask("infer", SEGMENTER, study, dict(params or {}))
        if path is None:
            raise EchoSynthError(f"an inference must return a label map, got none for {study}: see {self.out}")
        return Path(path), dict(answer or {})


def tour_stock(session: Session, epochs: int, _: int) -> None:
    """The stock app: single frames."""
    _list_models(session)
    _picture(session, {"result_dtype": "uint8"})
    _real_frames(session)
    _annotate_and_train(session, {"max_epochs": epochs, "val_split": 0.25})


def tour_ours(session: Session, epochs: int, synthetic: int) -> None:
    """Our app: everything."""
    _list_models(session)
    _picture(session, {})
    _cine(session)
    _real_frames(session)
    _choose(session)
    _annotate_and_train(session, {"max_epochs": epochs, "val_split": 0.25, "synthetic": synthetic})
    _bad_requests(session)


def _list_models(session: Session) -> None:
    info = session.ask("info")
    model = info["models"].get(SEGMENTER, {})
    session.say(
        "models listed by the client", set(model.get("labels", {})) == set(session.ids), ", ".join(info["models"])
    )
    status, answer = curl(f"{session.url}/info/")
    session.say("/info/ by curl", status == 200 and SEGMENTER in answer["trainers"], f"status {status}")


def _phantom(session: Session, when: str) -> None:
    """Frames with known masks: grid and Dice of each."""
    dices, grids = [], []
    for name in sorted(session.studies.frames)[:_JUDGED]:
        path, _ = session.infer(name)
        grids.append(same_geometry(path, session.studies.frames[name]))
        dices.append(mean_dice(path, session.studies.masks[name], session.ids))
    mean = sum(dices) / len(dices)
    session.say(f"geometry {when}", all(same for same, _ in grids), f"{grids[0][1]} and {len(grids) - 1} more")
    session.say(f"phantom {when}", min(dices) > ENOUGH, f"mean Dice {mean:.3f}, lowest {min(dices):.3f}")
    session.checks.numbers[f"{session.title}_dice_{when.replace(' ', '_')}"] = round(mean, 4)


def _picture(session: Session, params: Mapping[str, Any]) -> None:
    path, _ = session.infer(session.studies.picture, params)
    dice = mean_dice(path, session.studies.masks[session.studies.picture_of], session.ids)
    session.say("PNG", dice > ENOUGH, f"Dice {dice:.3f}, {path.suffix} answered")


def _cine(session: Session) -> None:
    whole, answer = session.infer(session.studies.cine)
    count, spacing = len(answer["frames"]), answer["spacing_mm"]
    session.say(
        "multi-frame DICOM", count > 1 and whole.name.endswith(".nii.gz"), f"{count} frames, {spacing[0]:.3f} mm"
    )
    one, answer = session.infer(session.studies.cine, {"frame": 3})
    session.say("one frame of it", answer["frames"] == [3] and same_geometry(one, whole)[0], "frame 3, same grid")


def _real_frames(session: Session) -> None:
    """Frames of patients: their grid, and something found; Dice is reported, since the segmenter may know phantoms alone."""
    for name in sorted(session.studies.real):
        path, _ = session.infer(name)
        same, detail = same_geometry(path, session.studies.real[name])
        known = session.studies.masks.get(name)
        dice = f", Dice {mean_dice(path, known, session.ids):.3f}" if known else ""
        session.say(f"real frame {name}", same and bool(read_maps(path).any()), f"grid {detail}{dice}")


def _choose(session: Session) -> None:
    for strategy in ("uncertainty", "coverage"):
        sample = session.ask("next_sample", strategy, {})
        session.say(
            f"next study by {strategy}", bool(sample.get("id")), f"{sample.get('id')}, frame {sample.get('frame')}"
        )


def _annotate_and_train(session: Session, params: dict[str, Any]) -> None:
    weights = session.app / "model" / SEGMENTER / "models" / "model.pt"
    before = weights.read_bytes()
    _phantom(session, "before training")
    segments = [{"name": name, "idx": value} for name, value in session.ids.items()]  # as 3D Slicer sends them
    annotated = sorted(session.studies.frames)[_JUDGED:]
    for name in annotated:
        label = str(session.studies.masks[name])
        session.ask("save_label", name, label, tag="final", params={"label_info": segments})
    saved = session.ask("datastore")["objects"]
    session.say(
        "labels saved", all("final" in saved[name]["labels"] for name in annotated), f"{len(annotated)} studies"
    )
    session.ask("train_start", SEGMENTER, params)
    state = _trained(session)
    added = f", {params['synthetic']} synthetic frames" if params.get("synthetic") else ""
    session.say("trained", state == "DONE", f"{params['max_epochs']} epochs{added}, task {state}")
    session.say("weights replaced", weights.read_bytes() != before)
    _phantom(session, "after training")


def _trained(session: Session) -> str:
    """Waits for the training task; returns how it ended."""
    deadline = time.monotonic() + _TRAINING_SECONDS
    while time.monotonic() < deadline:
        state = str(session.ask("train_status")["status"])
        if state not in ("SUBMITTED", "RUNNING"):
            return state
        time.sleep(2)
    session.ask("train_stop")
    return "TIMEOUT"


def _bad_requests(session: Session) -> None:
    for study, params, word in (
        (session.studies.cine, '{"frame": 4000}', "choose a frame"),
        (session.studies.bad, "{}", "modality"),
        ("no_such_study", "{}", "study"),
    ):
        url = f"{session.url}/infer/{SEGMENTER}?image={study}"
        status, answer = curl("--request", "POST", url, "--form", f"params={params}")
        detail = str(answer.get("detail", ""))
        session.say(f"refused: {study} {params}", status == 400 and word in detail, detail)
