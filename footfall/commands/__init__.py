"""One file per group of commands; `footfall.cli` puts them together."""
