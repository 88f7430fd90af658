"""nnU-Net beside the bundle's own segmenter: data sets in its raw format, a training through its Python API, the same scores."""
