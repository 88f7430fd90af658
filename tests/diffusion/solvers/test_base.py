"""What every solver must do: count its cost, keep types, check its grid, stay stateless."""

from __future__ import annotations

import pytest
import torch

from monai_echosynth.diffusion.denoiser import Denoiser
from monai_echosynth.diffusion.edm import EDM
from monai_echosynth.diffusion.seeding import image_generator
from monai_echosynth.diffusion.sigma_grid import karras_sigmas
from monai_echosynth.diffusion.solvers import DETERMINISTIC, Solver, SolverName, make_solver
from monai_echosynth.errors import EchoSynthError
from tests.helpers.analytic import MixtureDenoiser


@pytest.fixture(params=list(SolverName))
def solver(request: pytest.FixtureRequest) -> Solver:
    return make_solver(request.param)


def _batch(indices: list[int], dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, list[torch.Generator]]:
    generators = [image_generator(17, k) for k in indices]
    noise = torch.stack([torch.randn(1, 5, 5, generator=g) for g in generators])
    return noise.to(dtype), generators


def _sample(solver: Solver, indices: list[int], steps: int = 9) -> torch.Tensor:
    noise, generators = _batch(indices)
    return solver.sample(MixtureDenoiser(), noise, karras_sigmas(steps), generators)


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 31])
def test_counted_evaluations_equal_the_promise(solver: Solver, steps: int) -> None:
    noise, generators = _batch([0, 1, 2])
    denoiser = Denoiser(lambda x, timesteps: 0.1 * x, EDM())
    solver.sample(denoiser, noise, karras_sigmas(steps), generators)
    assert denoiser.nfe == solver.nfe(steps)


def test_evaluations_of_each_method() -> None:
    assert {name: make_solver(name).nfe(18) for name in SolverName} == {
        SolverName.EULER: 18,
        SolverName.HEUN: 35,
        SolverName.DPMPP_2M: 18,
        SolverName.DPMPP_2M_SDE: 18,
        SolverName.DDIM: 18,
        SolverName.ANCESTRAL: 18,
        SolverName.CHURN: 35,
        SolverName.DPMPP_3M: 18,
        SolverName.UNIPC: 18,
        SolverName.CONSISTENCY: 18,
    }


def test_steps_is_the_largest_number_that_fits(solver: Solver) -> None:
    for nfe in range(1, 60):
        steps = solver.steps(nfe)
        assert solver.nfe(steps) <= nfe < solver.nfe(steps + 1)


def test_image_does_not_depend_on_its_batch(solver: Solver) -> None:
    together = _sample(solver, [0, 1, 2, 3])
    assert torch.equal(_sample(solver, [2]), together[2:3])
    assert torch.equal(_sample(solver, [3, 1]), together[[3, 1]])
    assert not torch.equal(together[0], together[1])


def test_repetition_is_exact_and_global_state_untouched(solver: Solver) -> None:
    state = torch.get_rng_state()
    assert torch.equal(_sample(solver, [0, 1]), _sample(solver, [0, 1]))
    assert torch.equal(state, torch.get_rng_state())


def test_single_generator_serves_a_batch_of_one(solver: Solver) -> None:
    noise, generators = _batch([5])
    result = solver.sample(MixtureDenoiser(), noise, karras_sigmas(9), generators[0])
    assert torch.equal(result, _sample(solver, [5]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_type_and_shape_are_kept_and_levels_are_float64(solver: Solver, dtype: torch.dtype) -> None:
    noise, generators = _batch([0, 1], dtype)
    seen: list[torch.Tensor] = []

    def denoiser(x: torch.Tensor, sigma: torch.Tensor) -> torch.Tensor:
        seen.append(sigma)
        assert x.dtype is dtype
        return 0.5 * x

    result = solver.sample(denoiser, noise, karras_sigmas(4).float(), generators)
    assert result.shape == noise.shape and result.dtype is dtype and bool(result.isfinite().all())
    assert all(sigma.shape == () and sigma.dtype is torch.float64 for sigma in seen)


def test_one_step_returns_the_first_estimate(solver: Solver) -> None:
    """From sigma_max straight to 0 every method gives the denoiser's estimate (churn does not reach 80)."""
    noise, generators = _batch([0, 1])
    result = solver.sample(MixtureDenoiser(), noise, torch.tensor([80.0, 0.0]), generators)
    torch.testing.assert_close(result, MixtureDenoiser()(80 * noise, torch.tensor(80.0)), rtol=1e-6, atol=1e-6)


def test_noise_is_not_changed_in_place(solver: Solver) -> None:
    noise, generators = _batch([0, 1])
    before = noise.clone()
    solver.sample(MixtureDenoiser(), noise, karras_sigmas(5), generators)
    assert torch.equal(noise, before)


@pytest.mark.parametrize(
    "sigmas", [[1.0], [1.0, 1.0, 0.0], [0.0, 1.0], [1.0, -0.1], [1.0, float("nan"), 0.0], [float("inf"), 1.0]]
)
def test_bad_grids_are_refused(solver: Solver, sigmas: list[float]) -> None:
    with pytest.raises(EchoSynthError, match="strictly decreasing levels >= 0, got"):
        solver.sample(MixtureDenoiser(), torch.zeros(1, 1, 2, 2), torch.tensor(sigmas), image_generator(0, 0))


def test_bad_counts_and_names_are_refused(solver: Solver) -> None:
    with pytest.raises(EchoSynthError, match="steps must be at least 1, got 0"):
        solver.nfe(0)
    with pytest.raises(EchoSynthError, match="network evaluations must be at least 1, got 0"):
        solver.steps(0)
    with pytest.raises(EchoSynthError, match=r"solver must be one of euler, heun, .* got 'rk45'"):
        make_solver("rk45")


@pytest.mark.parametrize("name", sorted(set(SolverName) - set(DETERMINISTIC)))
def test_stochastic_methods_demand_a_generator_per_image(name: SolverName) -> None:
    noise, generators = _batch([0, 1])
    for bad in (None, generators[0], generators * 2):
        with pytest.raises(EchoSynthError, match="one generator per image"):
            make_solver(name).sample(MixtureDenoiser(), noise, karras_sigmas(9), bad)


@pytest.mark.parametrize("name", DETERMINISTIC)
def test_deterministic_methods_draw_nothing(name: SolverName) -> None:
    noise, generators = _batch([0, 1])
    states = [g.get_state() for g in generators]
    result = make_solver(name).sample(MixtureDenoiser(), noise, karras_sigmas(9), generators)
    assert torch.equal(result, make_solver(name).sample(MixtureDenoiser(), noise, karras_sigmas(9)))
    assert all(torch.equal(g.get_state(), s) for g, s in zip(generators, states, strict=True))
