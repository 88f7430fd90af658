"""Other programs and optional packages, one module each; a package is imported when it is needed."""
