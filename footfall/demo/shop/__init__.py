"""A make-believe shop: six months of purchases and one day of traffic, with the truth about both.

Everything follows from a seed and a day. Nothing here knows how Footfall finds what was planted.
"""
