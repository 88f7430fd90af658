"""Probability distributions used by the models; layer L0, needs torch only."""
