"""MONAI Label, shown: real servers on loopback, asked by MONAI Label's own client and by curl.

First the stock ``monaibundle`` app with our segmentation bundle, then our own app: list, infer, save, train, infer again, on
phantom frames whose masks are known, a picture, a scanner's cine and, where given, real frames. Every answer is checked.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.label.app_folder import SEGMENTER, write_label_app
from monai_echosynth.integrations.label.client import label_client
from monai_echosynth.integrations.label.demo_checks import Checks
from monai_echosynth.integrations.label.demo_segmenter import demo_segmenter
from monai_echosynth.integrations.label.demo_studies import make_studies
from monai_echosynth.integrations.label.demo_tour import Session, tour_ours, tour_stock
from monai_echosynth.integrations.label.labels import segmenter_labels
from monai_echosynth.integrations.label.server import label_server, run_monailabel

__all__ = ["run_label_demo"]

_STOCK = "monaibundle"


def run_label_demo(
    out: Path,
    segmenter: Path | None = None,
    generator: Path | None = None,
    camus: Path | None = None,
    epochs: int = 2,
    synthetic: int = 4,
) -> Checks:
    """Runs the demonstration and writes ``out/summary.json``.

    Args:
        out: folder to write; apps and studies in it are made anew, a trained segmenter is kept.
        segmenter: trained ``echo_segmentation`` bundle; one is trained on the phantom when left out.
        generator: trained ``echo_generative_diffusion`` bundle; without it nothing synthetic is added.
        camus: folder that holds CAMUS's ``database_nifti/``.
        epochs: epochs of each training.
        synthetic: synthetic frames that a training adds.

    Raises:
        EchoSynthError: MONAI Label is not installed, or a server does not start, answer or end.
    """
    started = time.perf_counter()
    label_client("http://127.0.0.1:0", out)  # refuses at once where MONAI Label is not installed
    checks = Checks()
    segmenter = segmenter or demo_segmenter(out)
    studies = make_studies(out, camus)
    for name in ("apps", "logs", "answers"):
        shutil.rmtree(out / name, ignore_errors=True)
    run_monailabel("apps", "--download", "--name", _STOCK, "--output", str(out / "apps"))
    stock = write_label_app(out / "apps" / _STOCK, segmenter)
    ours = write_label_app(out / "apps" / "echo_label", segmenter, generator)
    ids = segmenter_labels(segmenter).ids
    conf = {"models": SEGMENTER, "zoo_source": "local", "sam2": "false"}
    for title, app, settings, tour in (("monaibundle", stock, conf, tour_stock), ("echo_label", ours, {}, tour_ours)):
        _forget_labels(studies.folder)
        print(f"starting the server of {title}", flush=True)
        with label_server(app, studies.folder, out / "logs" / f"{title}.log", settings) as url:
            client = label_client(url, out / "answers" / title)
            tour(Session(title, app, url, client, studies, ids, checks, out), epochs, synthetic if generator else 0)
        checks.add(f"{title}: stopped cleanly", True)
    _without_weights(ours, studies.folder, out, checks)
    checks.numbers["seconds"] = round(time.perf_counter() - started, 1)
    checks.write(out / "summary.json")
    return checks


def _without_weights(app: Path, studies: Path, out: Path, checks: Checks) -> None:
    """A server of an app whose weights are gone must not start, and say what is missing."""
    (app / "model" / SEGMENTER / "models" / "model.safetensors").unlink()
    try:
        with label_server(app, studies, out / "logs" / "without_weights.log"):
            checks.add("refused: an app without weights", False, "the server started")
    except EchoSynthError as error:
        checks.add("refused: an app without weights", "weights needed at" in str(error), str(error))


def _forget_labels(folder: Path) -> None:
    """Studies as on the first day."""
    shutil.rmtree(folder / "labels", ignore_errors=True)
    (folder / "datastore_v2.json").unlink(missing_ok=True)
