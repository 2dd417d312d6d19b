"""How the documents' commands are found, made short, and run; see ``docs/check_commands.py``."""
