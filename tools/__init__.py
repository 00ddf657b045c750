"""Programs for maintainers; the Makefile calls them."""
