"""Cross-Entropy from First Principles: what the notebooks share."""
