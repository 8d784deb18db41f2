"""What a buyer's words mean, whatever engine searches: folding, phrases, words, spelling."""
