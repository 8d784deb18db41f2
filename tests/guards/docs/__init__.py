"""Keep what the documentation says true: its commands are run, its tables generated, its links followed."""
