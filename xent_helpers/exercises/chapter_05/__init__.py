"""Exercises of chapter 5: choose a loss, predict a weighted mean, repair a snippet, average over valid tokens."""
