"""MONAI Label: what a server for echocardiograms does, apart from the server; ``apps/echo_label`` has Label's interface."""
