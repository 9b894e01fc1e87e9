"""The vendors that depart from a dialect, one file each."""
