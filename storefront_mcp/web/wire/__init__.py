"""uvicorn's HTTP protocol with less to do for each request: the same bytes on the wire, fewer steps on the way."""
