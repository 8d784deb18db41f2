"""The migrations, one module each; see the package above."""
