"""Diffusion over noise levels: preconditionings, grids, denoiser, seeds and solvers; layer L0, needs torch only."""
