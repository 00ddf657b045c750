"""The figures of the course: one function draws one figure and returns its Axes."""
