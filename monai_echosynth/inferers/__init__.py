"""Inferers (layer 2): how a network is called in training and how images are sampled from it."""
