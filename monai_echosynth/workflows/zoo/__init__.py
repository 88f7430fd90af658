"""The gates that MONAI's model zoo puts before a bundle, run on the bundles of this package or on trained copies of them."""
