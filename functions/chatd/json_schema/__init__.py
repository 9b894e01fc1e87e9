"""Check JSON values against a caller's JSON Schema, within a limited number of steps.

The schema and the value are both untrusted: no combination runs for long, recurses deeply, or
fetches anything. docs/decisions/0019-bounded-schema-checks.md has the reasons.
"""
