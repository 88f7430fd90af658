"""Networks that say what a frame looks like, behind one call: segmenters of the domain, and others from local files."""
