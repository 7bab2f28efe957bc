"""A Django app with nothing but its migration: what its models would cost at every start is given to the peer."""
