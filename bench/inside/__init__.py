"""What runs in the interpreter that is measured. It needs the standard library and the build."""
