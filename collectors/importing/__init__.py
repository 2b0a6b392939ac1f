"""Files → log, through a small mapping: CSV, JSON lines and Parquet of events, purchases or tickets,
and the access logs of web servers.

A row becomes the body that the same fact would have had over HTTP, and is checked by the same
dialect; so a file and a request are refused for the same reasons.
"""
