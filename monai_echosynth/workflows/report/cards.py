"""Head of the page: the study in one sentence and its main numbers."""

from __future__ import annotations

from html import escape

from monai_echosynth.workflows.report.interval import as_interval
from monai_echosynth.workflows.report.markup import number
from monai_echosynth.workflows.report.study import Study

__all__ = ["duration", "headline"]


def duration(seconds: float) -> str:
    """Seconds in words a reader takes in at once: '42 s', '7 min 05 s', '2 h 14 min'."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def headline(study: Study) -> str:
    """Lead sentence and cards."""
    cards = [card for card in (_ratio(study), _dice(study), _frames(study), _autoencoder(study), _cost(study)) if card]
    return f'<p class="lead">{_sentence(study)}</p><div class="cards">{"".join(cards)}</div>'


def _sentence(study: Study) -> str:
    data = study.part("data")
    ratio = as_interval(study.part("ratio_synthetic_to_real").get("mean"))
    reached = (
        f"reaches <strong>{100 * ratio.mean:.1f} %</strong> of the Dice score of one trained on real frames"
        if ratio
        else "is scored beside one trained on real frames"
    )
    return (
        "A segmenter that has seen nothing but generated echocardiograms "
        f"{reached}, measured on {escape(str(data.get('n_test', '–')))} frames of "
        f"{escape(str(data.get('patients_test', '–')))} held-out patients ({escape(str(data.get('source', 'unknown source')))})."
    )


def _card(value: str, name: str, remark: str) -> str:
    return (
        f'<div class="card"><div class="value">{escape(value)}</div>'
        f'<div class="name">{escape(name)}</div><div class="remark">{escape(remark)}</div></div>'
    )


def _ratio(study: Study) -> str:
    ratios = study.part("ratio_synthetic_to_real")
    endo, mean = as_interval(ratios.get("lv_endo")), as_interval(ratios.get("mean"))
    if mean is None:
        return ""
    remark = f"LV cavity {number(endo.mean)}" if endo else "mean over structures"
    return _card(number(mean.mean), "Dice, synthetic / real", remark)


def _dice(study: Study) -> str:
    scores = {arm: as_interval((study.part("tstr").get(arm) or {}).get("lv_endo")) for arm in ("synthetic", "real")}
    if scores["synthetic"] is None:
        return ""
    remark = f"real frames give {number(scores['real'].mean)}" if scores["real"] else "trained on synthetic frames only"
    return _card(number(scores["synthetic"].mean), "LV cavity Dice, synthetic only", remark)


def _frames(study: Study) -> str:
    made = study.part("generation")
    if "count" not in made:
        return ""
    remark = (
        f"{made.get('solver', '–')}, {made.get('nfe', '–')} evaluations, {number(made.get('images_per_second'), 2)} / s"
    )
    return _card(f"{int(made['count']):,}".replace(",", " "), "synthetic frames", remark)


def _autoencoder(study: Study) -> str:
    vae = study.part("vae")
    if "psnr_in_sector" not in vae:
        return ""
    remark = f"SSIM {number(vae.get('ssim_in_sector'))}, in sector"
    return _card(f"{number(vae['psnr_in_sector'], 1)} dB", "autoencoder PSNR", remark)


def _cost(study: Study) -> str:
    timing = study.part("timing_s")
    if not timing:
        return ""
    peak = study.summary.get("peak_memory_mb")
    remark = f"peak memory {float(peak) / 1024:.1f} GiB" if isinstance(peak, int | float) else "all stages"
    return _card(duration(sum(float(value) for value in timing.values())), "whole study", remark)
