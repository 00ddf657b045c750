"""Right answers to the exercises, each written differently: a module a chapter, ``RIGHT`` by key."""
