"""HTTP Message Signatures (RFC 9421) as agents and platforms send them, and as stores sign their answers."""
