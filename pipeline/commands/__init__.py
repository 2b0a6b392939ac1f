"""One file per group of commands; `pipeline.cli` puts them together."""
