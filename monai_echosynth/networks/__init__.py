"""Networks (layer 1): building blocks and complete nets, with the parameter names of MONAI where MONAI has the net."""
