"""Queries from outside, in a process of their own that can do nothing but read the warehouse."""
