"""What the parts cost, and what each device against that cost is worth: ``python -m benchmarks --out results.json``.

Alternatives are measured in turns within one process (A B A B ...), so that a machine that slows down slows all of them; medians
and quartiles are given. Nothing here asserts a time. One file holds one benchmark; ``registry.py`` lists them.
"""
