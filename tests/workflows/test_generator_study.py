"""The generator study from end to end at a size for seconds, under ``torchrun`` with two processes, and what it leaves."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from monai_echosynth import cli
from monai_echosynth.data.datalist import load_datalist
from monai_echosynth.workflows.generator_grid import parse_grid
from monai_echosynth.workflows.generator_plan import make_plan
from monai_echosynth.workflows.generator_stages import throughput
from monai_echosynth.workflows.generator_study import generator_stages_of
from monai_echosynth.workflows.generator_summary import ranking
from tests.helpers.tiny_prepared import write_tiny_prepared
from tests.helpers.tiny_views import write_tiny_views

pytestmark = [
    pytest.mark.filterwarnings("ignore:No hash value provided"),
    pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad=True"),
    pytest.mark.timeout(600),
]

ROOT = Path(__file__).parents[2]
GRID = {
    "families": ["edm-l64", "spade-gan"],
    "solvers": ["ddim"],
    "nfe": [2, 3],
    "preset": "quick",
    "frames": 6,
    "segmenter_steps": 2,
    "view_steps": 2,
}
CELLS = ("edm-l64_ddim_2", "edm-l64_ddim_3", "spade-gan")
SCRIPT = """
import sys
from monai_echosynth import cli
from monai_echosynth.workflows.gan import GAN_PRESETS
from monai_echosynth.workflows.segmentation import SEGMENTATION_PRESETS
from monai_echosynth.workflows.training_settings import PRESETS
from monai_echosynth.workflows.view_classification import VIEW_PRESETS
from tests.helpers.tiny_gan import TINY_GAN
from tests.helpers.tiny_generator import TINY_SETTINGS
from tests.helpers.tiny_segmenter import TINY_SEGMENTER
from tests.helpers.tiny_views import TINY_VIEWS

if __name__ == "__main__":
    for presets, tiny in (
        (GAN_PRESETS, TINY_GAN), (SEGMENTATION_PRESETS, TINY_SEGMENTER), (PRESETS, TINY_SETTINGS), (VIEW_PRESETS, TINY_VIEWS)
    ):
        presets["quick"] = tiny
    sys.exit(cli.main(sys.argv[1:]))
"""


class Study:
    """A finished study and what was said while it was made."""

    def __init__(self, folder: Path) -> None:
        self.out, self.data = folder / "study", write_tiny_views(folder / "data", training=8)
        (folder / "study.py").write_text(SCRIPT)
        (folder / "grid.json").write_text(json.dumps(GRID))
        self._options = ["study", "--data", str(self.data), "--grid", str(folder / "grid.json"), "--out", str(self.out)]
        self._options += ["--processes", "1"]
        self._script = folder / "study.py"
        self.said = ""

    def run(self, processes: int = 1) -> str:
        launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc_per_node={processes}"]
        command = [sys.executable, *(launcher if processes > 1 else []), str(self._script), *self._options]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    @property
    def summary(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.out / "summary.json").read_text())
        return content

    def times(self) -> dict[str, int]:
        return {path.stem: path.stat().st_mtime_ns for path in (self.out / "stages").glob("*.json")}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    made = Study(tmp_path_factory.mktemp("generators"))
    made.said = made.run(processes=2)
    return made


def test_two_processes_divide_the_stages_and_do_each_once(study: Study) -> None:
    starts = [line.split("] ")[1].split(":")[0] for line in study.said.splitlines() if ": starts" in line]
    assert len(starts) == len(set(starts)) == len(study.times())
    by = {
        number: [line for line in study.said.splitlines() if line.startswith(f"process {number}:")] for number in (0, 1)
    }
    assert all(any(": starts" in line for line in said) for said in by.values())
    assert f"3 cells: {', '.join(CELLS)}" in study.said


def test_rows_and_numbers_of_the_summary(study: Study) -> None:
    summary = study.summary
    assert [row["name"] for row in summary["cells"]] == list(CELLS)
    for row in (summary["real"], *summary["cells"]):
        assert set(row["dice"]) == {"lv_endo", "myo", "lv_epi", "la", "mean"}
        assert set(row["hd_mm"]) == set(row["hd95_mm"]) == {"lv_endo", "myo", "lv_epi", "la"}
        assert 0 <= row["accuracy"]["mean"] <= 1 and len(row["accuracy"]["ci95"]) == 2 and "4CH" in row["auroc"]
        assert {"kid", "fid", "adherence"} <= set(row["quality"])
    for row in summary["cells"]:
        assert row["frames"] == 6 and row["throughput"]["end_to_end"] > 0 and row["throughput"]["sampling"] > 0
        assert "mean" in row["difference_to_real"]
    assert [row["nfe"] for row in summary["cells"]] == [2, 3, 1]
    assert summary["cells"][0]["throughput"]["decoding"] > 0 and summary["cells"][2]["throughput"]["decoding"] is None
    assert set(summary["flat_from"]) == {"edm-l64_ddim", "spade-gan"}
    assert summary["ranking"]["realism_and_dice"]["cells"] == 3
    assert summary["data"]["test"] == 4 and summary["grid"]["conditioned"]


def test_sets_are_of_one_mask_and_seed(study: Study) -> None:
    sets = [load_datalist(study.out / "cells" / name / "synthetic", "training") for name in CELLS]
    assert len({tuple(item["mask"] for item in items) for items in sets}) == 1
    manifests = [json.loads((study.out / "cells" / name / "synthetic/manifest.json").read_text()) for name in CELLS]
    assert {manifest["seed"] for manifest in manifests} == {0}
    assert [manifest.get("nfe") for manifest in manifests] == [2, 3, None]


def test_tables_and_figures(study: Study) -> None:
    page = (study.out / "report.html").read_text()
    assert "<script" not in page and 'src="http' not in page and ">nan<" not in page
    assert all(name in page for name in ("EDM-L64, ddim, 2 calls", "SPADE-GAN", "Real frames", "Throughput", "KID"))
    with (study.out / "cells.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["family"], row["nfe"]) for row in rows] == [("edm-l64", "2"), ("edm-l64", "3"), ("spade-gan", "1")]
    assert float(rows[0]["dice_mean_low"]) <= float(rows[0]["dice_mean"]) <= float(rows[0]["dice_mean_high"])
    for name in ("curves.png", "frames.png"):
        with Image.open(study.out / name) as picture:
            assert min(picture.size) > 200


def test_finished_cells_are_kept_and_a_half_one_is_completed(study: Study) -> None:
    before = study.times()
    half = f"segmenter_{CELLS[1]}"
    (study.out / "stages" / f"{half}.json").rename(study.out / "stages" / f"{half}.started.json")
    dice = study.summary["cells"][1]["dice"]
    weights = study.out / "cells" / CELLS[1] / "segmenter" / "models" / "model.safetensors"
    trained = weights.stat().st_mtime_ns
    said = study.run()
    assert f"{half}: resumes" in said and "generator_edm-l64: already done" in said
    redone = {name for name, time in study.times().items() if time != before.get(name)}
    assert redone == {half, "report"} or redone == {half}
    assert weights.stat().st_mtime_ns == trained and study.summary["cells"][1]["dice"] == dice


def test_the_latent_families_of_one_size_share_their_autoencoder() -> None:
    plan = make_plan(parse_grid({"families": ["edm-l64", "edm-l128", "ve"], "solvers": ["euler"], "nfe": [4]}))
    stages = {stage.name: stage for stage in generator_stages_of(plan)}
    assert {name for name in stages if name.startswith("autoencoder")} == {"autoencoder_cpu_l64", "autoencoder_cpu"}
    assert stages["generator_edm-l64"].inputs["autoencoder"] == "autoencoder_cpu_l64"
    assert "autoencoder" not in stages["generator_ve"].inputs
    assert stages["quality_ve_euler_4"].inputs["judge"] == "segmenter_real"
    assert stages["synthetic_ve_euler_4"].inputs == {"data": "data", "generator": "generator_ve"}


def test_data_of_one_view_have_no_view_classifiers(tmp_path: Path) -> None:
    data = write_tiny_prepared(tmp_path)
    stages = generator_stages_of(make_plan(parse_grid(GRID), data), data)
    assert not [stage.name for stage in stages if stage.name.startswith("views_")]
    assert [stage.name for stage in stages if stage.name.startswith("segmenter_")] == [
        f"segmenter_{name}" for name in ("real", *CELLS)
    ]


def test_throughput_counts_parts_by_themselves() -> None:
    made = {"new": 10, "parts": {"sampling": 4.0, "decoding": 0.5, "writing": 0.1, "run": 5.0}}
    found = throughput(made)
    assert found == {"images": 10, "end_to_end": 2.0, "sampling": 2.5, "decoding": 20.0, "writing": 100.0}
    assert throughput({"new": 1, "parts": {"sampling": 1.0, "run": 1.0}})["decoding"] is None


def test_ranks_and_their_correlation() -> None:
    rows = [
        {"name": name, "dice": {"mean": {"mean": dice}}, "accuracy": None, "quality": {"kid": {"value": kid}}}
        for name, dice, kid in (("a", 0.9, 0.3), ("b", 0.8, 0.2), ("c", 0.7, 0.1))
    ]
    found = ranking(rows)
    assert found["cells"] == {"a": {"kid": 3, "dice": 1}, "b": {"kid": 2, "dice": 2}, "c": {"kid": 1, "dice": 3}}
    assert found["realism_and_dice"]["spearman"] == pytest.approx(-1)
    assert ranking(rows[:2])["realism_and_dice"]["spearman"] is None


def test_list_says_the_cells_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.json").write_text(json.dumps({**GRID, "solvers": ["heun", "ddim"]}))
    assert cli.main(["study", "--grid", "grid.json", "--list"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert "heun with 2 calls is left out" in said[0] and said[-1] == "spade-gan"
    assert [path.name for path in tmp_path.iterdir()] == ["grid.json"]
