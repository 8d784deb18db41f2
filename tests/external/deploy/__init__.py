"""The files of deploy/, as they are: in front of, around and beside a real server."""
