"""The command ``choi``: a small file for each sub-command, which only reads arguments and calls a
room. None of them imports torch before it runs: ``choi --help`` starts in a blink.

:mod:`.commands` lists the sub-commands. A module of one has a docstring (its help, with examples),
``add_arguments(parser)``, and ``run(args)``, which returns the exit code.
"""
