"""Odd answers, a module for each chapter: RIGHT that look wrong, WRONG that nearly pass and are in no catalogue."""

from importlib import import_module
from pkgutil import iter_modules

_CHAPTERS = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
RIGHT = [pair for chapter in _CHAPTERS for pair in chapter.RIGHT]
WRONG = [pair for chapter in _CHAPTERS for pair in chapter.WRONG]
