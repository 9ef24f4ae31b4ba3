"""State that survives: a store, and the clock that belongs to it, in a file. Imported only by a run that has one."""
