"""The contract between Footfall's processes: nouns, names and limits. Nothing here does I/O."""
