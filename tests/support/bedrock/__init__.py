"""A fake Amazon Bedrock on a real socket: its routes, its signatures and its refusals.

`fake.fake_bedrock()` runs one. What it refuses is what Bedrock was measured to refuse in October
2026: https://github.com/BerriAI/litellm/tree/main/litellm/llms/bedrock.
"""
