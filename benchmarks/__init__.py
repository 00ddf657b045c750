"""Speed, memory and accuracy of the course's losses beside PyTorch's, from one command: ``make bench``."""
