"""Odd answers, a module a chapter: ``RIGHT`` ones that look wrong, and ``WRONG`` ones that nearly pass."""
