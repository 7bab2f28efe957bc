"""The six models, the fields that they are made of, and the site that they read and write."""
