"""HTTP, thin: who is asked, which bytes go back, under which headers."""
