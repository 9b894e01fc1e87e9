"""Peers with the same call: the function `started()` of each module returns a Lambda handler."""
