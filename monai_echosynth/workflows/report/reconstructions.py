"""Autoencoder reconstructions: the mosaic that the autoencoder stage draws."""

from __future__ import annotations

from html import escape

from monai_echosynth.workflows.report.markup import Section, figure, note, number, png_uri, table
from monai_echosynth.workflows.report.study import Study

__all__ = ["reconstructions_section"]


def reconstructions_section(study: Study) -> Section:
    """Scores of the autoencoder and its mosaic."""
    vae, path = study.part("vae"), study.root / "autoencoder" / "reconstructions.png"
    names = {
        "psnr_in_sector": ("PSNR in sector, dB", 2),
        "ssim_in_sector": ("SSIM in sector", 3),
        "kl": ("KL to the prior, nats / latent pixel", 3),
        "latent_std": ("Standard deviation of the latents", 4),
    }
    rows = [(name, number(vae[key], digits)) for key, (name, digits) in names.items() if key in vae]
    body = table("Gamma autoencoder on held-out frames", ("Measure", "Value"), rows) if rows else ""
    if path.is_file():
        alt = "Mosaic of real frames and their reconstructions"
        image = f'<img class="mosaic" src="{png_uri(path.read_bytes())}" alt="{escape(alt)}">'
        body += figure(image, "Frames before and after the autoencoder: the sharpest a generated frame can be.")
    else:
        body += note("The autoencoder stage left no mosaic, so no reconstructions are shown.")
    return Section("reconstructions", "Reconstructions", body)
