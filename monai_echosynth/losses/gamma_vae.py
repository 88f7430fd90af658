r"""Loss of the gamma-VAE (eq. 5 of the efficient semantic diffusion paper).

.. math:: L = 10\,\mathrm{MSE} + 10^{-3}\,\mathrm{KL} + 10^{-3}\,L_{perceptual} + 10^{-2}\,\mathrm{MSE}(z, x_{\downarrow})

Every term is averaged over in-sector pixels, then over the batch; :math:`x_{\downarrow}` is the image averaged over the area
of each latent pixel, which keeps the latent aligned with the mask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor, nn

from monai_echosynth.data.area_pool import area_pool
from monai_echosynth.distributions.gamma import GammaPrior, KLDirection, gamma_kl
from monai_echosynth.losses.sector_mean import sector_mean

__all__ = ["GammaVAELoss"]


class GammaVAELoss(nn.Module):
    """Weighted sum of reconstruction, divergence, perceptual and latent-similarity terms.

    Args:
        reconstruction_weight: weight of the squared reconstruction error.
        kl_weight: weight of the divergence from the Gamma prior.
        perceptual_weight: weight of the perceptual term; used only when ``perceptual`` is given.
        latent_weight: weight of the similarity between latent and area-averaged image.
        perceptual: callable (reconstruction, image) -> scalar, both (B, 1, X, Y) and zero outside the sector.
        prior: the Gamma prior.
        kl_direction: KL(posterior || prior) by default; the paper prints the opposite one.
    """

    def __init__(
        self,
        reconstruction_weight: float = 10.0,
        kl_weight: float = 1e-3,
        perceptual_weight: float = 1e-3,
        latent_weight: float = 1e-2,
        perceptual: Callable[[Tensor, Tensor], Tensor] | None = None,
        prior: GammaPrior | None = None,
        kl_direction: KLDirection | str = KLDirection.POSTERIOR_TO_PRIOR,
    ) -> None:
        super().__init__()
        self.weights = {
            "reconstruction": reconstruction_weight,
            "kl": kl_weight,
            "perceptual": perceptual_weight,
            "latent": latent_weight,
        }
        self.perceptual = perceptual
        self.prior = GammaPrior() if prior is None else prior
        self.kl_direction = KLDirection(kl_direction)

    def terms(self, outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The unweighted terms, each a scalar; arguments as in :meth:`forward`."""
        sector = targets["sector"].to(outputs["reconstruction"].dtype)
        image = targets["image"] * sector
        reconstruction = outputs["reconstruction"] * sector
        concentration, rate, latent = outputs["concentration"], outputs["rate"], outputs["latent"]
        latent_sector = area_pool(sector, latent.shape[2:])
        small = area_pool(image, latent.shape[2:])
        prior = tuple(concentration.new_tensor(value) for value in self.prior)
        pair = (concentration, rate, *prior)
        if self.kl_direction is KLDirection.PRIOR_TO_POSTERIOR:
            pair = (*prior, concentration, rate)
        terms = {
            "reconstruction": sector_mean((reconstruction - image).square(), sector).mean(),
            "kl": sector_mean(gamma_kl(*pair), latent_sector).mean(),
            "latent": sector_mean((latent - small).square(), latent_sector).mean(),
        }
        if self.perceptual is not None:
            terms["perceptual"] = self.perceptual(reconstruction, image)
        return terms

    def forward(self, outputs: Mapping[str, Tensor], targets: Mapping[str, Tensor]) -> Tensor:
        """Scalar loss.

        Args:
            outputs: ``reconstruction`` (B, 1, X, Y); ``concentration``, ``rate``, ``latent`` (B, C, X/f, Y/f).
            targets: ``image`` (B, 1, X, Y) in [0, 1]; ``sector`` (B, 1, X, Y).
        """
        terms = self.terms(outputs, targets)
        total = outputs["reconstruction"].new_zeros(())
        for name, value in terms.items():
            total = total + self.weights[name] * value
        return total
