"""Fake Amazon Bedrock on a real socket, with its routes, signatures and refusals.

`fake.fake_bedrock()` runs the fake. Its refusals are the ones measured at Bedrock in October 2026:
https://github.com/BerriAI/litellm/tree/main/litellm/llms/bedrock.
"""
