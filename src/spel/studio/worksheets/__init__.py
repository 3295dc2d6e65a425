"""Worksheets: the lessons on paper, as notebooks or pages, and how answers in them are marked."""
