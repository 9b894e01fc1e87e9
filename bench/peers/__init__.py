"""What others run for the same call. Each module has `started()`, which gives a Lambda handler."""
