"""What the demo shop sells: the shapes of a catalogue, the tables it is written in, and the one that is assembled."""
