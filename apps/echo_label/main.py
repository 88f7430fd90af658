"""The app that a MONAI Label server runs for 2-D echocardiography: Label's interface in front of
``monai_echosynth.integrations.label``.

``echosynth label-app DIR --bundle BUNDLE`` writes this folder; ``monailabel start_server --app DIR --studies FRAMES`` serves it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import wraps
from pathlib import Path
from typing import Any

from fastapi import HTTPException
from monailabel.config import settings
from monailabel.datastore.local import LocalDatastore
from monailabel.interfaces.app import MONAILabelApp
from monailabel.interfaces.datastore import Datastore, DefaultLabelTag
from monailabel.interfaces.tasks.infer_v2 import InferTask, InferType
from monailabel.interfaces.tasks.strategy import Strategy
from monailabel.interfaces.tasks.train import TrainTask
from monailabel.tasks.activelearning.first import First
from monailabel.tasks.activelearning.random import Random
from monailabel.utils.others.generic import device_list, name_to_device

from monai_echosynth import __version__
from monai_echosynth.errors import EchoSynthError
from monai_echosynth.integrations.label.annotations import Annotation
from monai_echosynth.integrations.label.app_folder import GENERATOR, SEGMENTER
from monai_echosynth.integrations.label.frame_segmenter import FrameSegmenter
from monai_echosynth.integrations.label.labels import SegmenterLabels, segmenter_labels
from monai_echosynth.integrations.label.learning import LearningSettings, learn
from monai_echosynth.integrations.label.sampling import Strategy as Choosing
from monai_echosynth.integrations.label.sampling import StudyRanking
from monai_echosynth.integrations.label.segment_study import segment_study
from monai_echosynth.integrations.label.study import EXTENSIONS, as_volume, is_dicom

logger = logging.getLogger(__name__)


def answered(task: Callable[..., Any]) -> Callable[..., Any]:
    """Bad input becomes an answer that says what is wrong (status 400), not an internal error."""

    @wraps(task)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return task(*args, **kwargs)
        except EchoSynthError as error:
            reason = " ".join(str(error).split())
            logger.error("echosynth: error: %s", reason)
            raise HTTPException(status_code=400, detail=reason) from error

    return run


class EchoDatastore(LocalDatastore):
    """A folder of NIfTI, PNG and DICOM files; DICOM is handed out as a volume, which viewers and annotators share.

    Args:
        studies: the folder.
        volumes: folder for these volumes.
    """

    def __init__(self, studies: str, volumes: Path) -> None:
        self.volumes = volumes
        reload, read_only = settings.MONAI_LABEL_DATASTORE_AUTO_RELOAD, settings.MONAI_LABEL_DATASTORE_READ_ONLY
        patterns = [f"*{suffix}" for suffix in EXTENSIONS]
        super().__init__(studies, extensions=patterns, auto_reload=reload, read_only=read_only)

    @answered
    def get_image_uri(self, image_id: str) -> str:
        path = super().get_image_uri(image_id)
        return str(as_volume(Path(path), self.volumes)) if path else path

    def get_image_info(self, image_id: str) -> dict[str, Any]:
        info = super().get_image_info(image_id)
        if is_dicom(Path(info.get("path", ""))):
            volume = self.get_image_uri(image_id)
            info |= {"path": volume, "name": Path(volume).name}
        return info

    def file_of(self, image_id: str) -> Path:
        """The study's own file."""
        return Path(super().get_image_uri(image_id))


class EchoInfer(InferTask):
    """Segments one frame or a whole cine."""

    def __init__(self, bundle: Path, labels: SegmenterLabels, segmenter: FrameSegmenter) -> None:
        super().__init__(InferType.SEGMENTATION, labels.ids, 2, "Structures of echocardiograms, every frame or one")
        self.bundle, self.echo_labels = bundle, labels
        self.segmenters = {str(segmenter.device): segmenter}
        self._config.update({"device": device_list(), "frame": ""})

    def is_valid(self) -> bool:
        return True

    def get_path(self, validate: bool = True) -> str:
        return str(self.bundle / "models" / "model.pt")

    def info(self) -> dict[str, Any]:
        return {**super().info(), "label_colors": self.echo_labels.colors}

    @answered
    def __call__(self, request: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        device = name_to_device(request.get("device") or next(iter(self.segmenters)))
        if device not in self.segmenters:
            self.segmenters[device] = FrameSegmenter(self.bundle, device)
        path, result = segment_study(self.segmenters[device], self.echo_labels, request)
        return str(path), result


class EchoTrain(TrainTask):
    """Fine-tunes the segmenter on the saved labels, with as many synthetic frames as asked for."""

    def __init__(self, bundle: Path, generator: Path | None, work: Path) -> None:
        super().__init__(
            "Fine-tunes the segmenter on the labels saved so far; 'synthetic' adds generated frames of them"
        )
        self.bundle, self.generator, self.work = bundle, generator, work

    def config(self) -> dict[str, Any]:
        synthetic = {"synthetic": 0} if self.generator else {}
        return {"device": device_list(), "pretrained": True, "max_epochs": 10, "val_split": 0.2, **synthetic}

    @answered
    def __call__(self, request: dict[str, Any], datastore: Datastore) -> dict[str, Any]:
        request = {**request, "device": name_to_device(request.get("device") or device_list())}
        annotations = [_annotation(datastore, image) for image in sorted(datastore.get_labeled_images())]
        result = learn(self.bundle, annotations, self.work, LearningSettings.from_request(request), self.generator)
        logger.info("trained: %s", result)
        return result


class EchoStrategy(Strategy):
    """Chooses the next study by what the segmenter makes of the studies without a label."""

    def __init__(self, choosing: Choosing, ranking: StudyRanking, description: str) -> None:
        super().__init__(description)
        self.choosing, self.ranking = choosing, ranking

    @answered
    def __call__(self, request: Mapping[str, Any], datastore: Datastore) -> dict[str, Any] | None:
        waiting = {image: _file(datastore, image) for image in datastore.get_unlabeled_images()}
        done = [_file(datastore, image) for image in datastore.get_labeled_images()]
        choice = self.ranking.choose(self.choosing, waiting, done)
        return None if choice is None else {"id": choice.id, "frame": choice.frame, "score": choice.score}


class EchoApp(MONAILabelApp):
    """Segmentation, training and active learning for echocardiograms."""

    def __init__(self, app_dir: str, studies: str, conf: dict[str, str]) -> None:
        self.folder = Path(app_dir)
        self.bundle = self.folder / "model" / conf.get("segmenter", SEGMENTER)
        generator = self.folder / "model" / conf.get("generator", GENERATOR)
        self.generator = generator if generator.is_dir() else None
        try:
            self.echo_labels = segmenter_labels(self.bundle)
            self.segmenter = FrameSegmenter(self.bundle)
        except EchoSynthError as error:
            logger.error("echosynth: error: %s", error)
            raise
        description = (
            f"Annotation of echocardiograms: {', '.join(self.echo_labels.ids)}. Research only, not for diagnosis."
        )
        super().__init__(app_dir, studies, conf, "EchoSynth", description, __version__, list(self.echo_labels.ids))

    def init_datastore(self) -> Datastore:
        if self.studies.startswith(("http://", "https://")):
            return super().init_datastore()
        return EchoDatastore(self.studies, self.folder / "volumes")

    def init_infers(self) -> dict[str, InferTask]:
        return {SEGMENTER: EchoInfer(self.bundle, self.echo_labels, self.segmenter)}

    def init_trainers(self) -> dict[str, TrainTask]:
        return {SEGMENTER: EchoTrain(self.bundle, self.generator, self.folder / "training")}

    def init_strategies(self) -> dict[str, Strategy]:
        ranking = StudyRanking(self.segmenter)
        return {
            "uncertainty": EchoStrategy(Choosing.UNCERTAINTY, ranking, "Study that the segmenter is least sure of"),
            "coverage": EchoStrategy(Choosing.COVERAGE, ranking, "Study that is least like the annotated ones"),
            "first": First(),
            "random": Random(),
        }


def _file(datastore: Datastore, image: str) -> Path:
    """The study's own file, or what a remote store hands out."""
    return datastore.file_of(image) if isinstance(datastore, EchoDatastore) else Path(datastore.get_image_uri(image))


def _annotation(datastore: Datastore, image: str) -> Annotation:
    tag = DefaultLabelTag.FINAL
    label = datastore.get_label_by_image_id(image, tag)
    info = datastore.get_label_info(label, tag).get("label_info") or ()
    return Annotation(image, _file(datastore, image), Path(datastore.get_label_uri(label, tag)), info)
