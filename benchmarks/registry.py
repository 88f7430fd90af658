"""All benchmarks by name, in the order they run."""

from __future__ import annotations

from benchmarks.attention import benchmark_attention
from benchmarks.autoencoder import benchmark_autoencoder
from benchmarks.batching import benchmark_batching
from benchmarks.data_loading import benchmark_data_loading
from benchmarks.end_to_end import benchmark_end_to_end
from benchmarks.families import benchmark_families
from benchmarks.generation import benchmark_generation
from benchmarks.latent_cache import benchmark_latent_cache
from benchmarks.monai_peer import benchmark_monai_peer
from benchmarks.operations import benchmark_operations
from benchmarks.processes import benchmark_processes
from benchmarks.runner import Benchmark
from benchmarks.runtimes import benchmark_runtimes
from benchmarks.solvers import benchmark_solvers
from benchmarks.spade_cache import benchmark_spade_cache
from benchmarks.speed_of_light import benchmark_speed_of_light
from benchmarks.throughput import benchmark_throughput
from benchmarks.training_step import benchmark_training_step
from benchmarks.writers import benchmark_writers

__all__ = ["BENCHMARKS"]

BENCHMARKS: dict[str, Benchmark] = {
    "spade_cache": benchmark_spade_cache,
    "solvers": benchmark_solvers,
    "batching": benchmark_batching,
    "autoencoder": benchmark_autoencoder,
    "latent_cache": benchmark_latent_cache,
    "training_step": benchmark_training_step,
    "data_loading": benchmark_data_loading,
    "writers": benchmark_writers,
    "generation": benchmark_generation,
    "end_to_end": benchmark_end_to_end,
    "processes": benchmark_processes,
    "throughput": benchmark_throughput,
    "families": benchmark_families,
    "runtimes": benchmark_runtimes,
    "attention": benchmark_attention,
    "speed_of_light": benchmark_speed_of_light,
    "operations": benchmark_operations,
    "monai_peer": benchmark_monai_peer,
}
