"""The daily jobs, one file for each table: calls that give the right result whoever does the same at once.

Each is a method of a model, and one transaction, or part of the caller's (``database/retry.py``).
"""
