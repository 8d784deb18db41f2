"""Makes the environment in `.venv` from nothing but a Python: `python3 -m tools.bootstrap FOLDER [--dev]`."""
