"""The subcommands of the ``echosynth`` program, one module each: ``add`` declares the options, ``run`` calls one workflow.

Workflows are imported when a command runs, so ``--help`` answers without loading torch. Choices that a workflow knows as an
enumeration are spelled out here for the same reason; a test compares them.
"""
