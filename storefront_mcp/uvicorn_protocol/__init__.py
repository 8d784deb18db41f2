"""uvicorn's HTTP protocol class, bounded and faster: the same bytes on the wire in fewer steps."""
