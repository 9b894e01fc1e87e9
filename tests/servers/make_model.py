"""Write a small GGUF model with one constant output: `python make_model.py FILE`.

Runs in the servers' environment, which has numpy and gguf. The model has Llama's architecture, and
its tokens are bytes. Attention and feed-forward weights are 0, so the next token depends on the
last one alone: every byte of TEXT predicts the next byte, a line feed the first, and the last byte
the end. The model therefore continues a prompt that ends with a part of TEXT.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from gguf import GGUFWriter, TokenType

# No byte occurs twice; token boundaries cut characters of 2, 3 and 4 bytes.
TEXT = "abcdefghijklmnopqrstuvwxyz-é€😀."
CONTEXT = 512
_WIDTH, _HEADS, _HIDDEN = 256, 4, 32
_UNKNOWN, _BEGIN, _END, _FIRST_BYTE = 0, 1, 2, 3
_TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:\n{% endif %}"
)


def successors() -> dict[int, int]:
    """Return the successor of each token of the text."""
    text = TEXT.encode()
    assert len(set(text)) == len(text)
    chain = [_FIRST_BYTE + byte for byte in (ord("\n"), *text)] + [_END]
    return dict(pairwise(chain))


def tensors() -> dict[str, np.ndarray]:
    """Return the weights; random directions in 256 dimensions are nearly orthogonal."""
    random = np.random.default_rng(1)
    count = _FIRST_BYTE + 257
    embedding = random.standard_normal((count, _WIDTH)).astype(np.float32)
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    output = np.zeros((count, _WIDTH), np.float32)
    for token, after in successors().items():
        output[after] += 4 * embedding[token]
    zeros = {
        **{f"blk.0.attn_{name}.weight": (_WIDTH, _WIDTH) for name in ("q", "k", "v", "output")},
        "blk.0.ffn_gate.weight": (_HIDDEN, _WIDTH),
        "blk.0.ffn_up.weight": (_HIDDEN, _WIDTH),
        "blk.0.ffn_down.weight": (_WIDTH, _HIDDEN),
    }
    ones = ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm")
    return {
        "token_embd.weight": embedding,
        "output.weight": output,
        **{f"{name}.weight": np.ones(_WIDTH, np.float32) for name in ones},
        **{name: np.zeros(shape, np.float32) for name, shape in zeros.items()},
    }


def write(path: Path) -> None:
    """Write the model to a file."""
    writer = GGUFWriter(path, "llama")
    writer.add_name("alphabet")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(_WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(_HIDDEN)
    writer.add_head_count(_HEADS)
    writer.add_head_count_kv(_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(_WIDTH // _HEADS)
    names = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁"]
    kinds = [TokenType.UNKNOWN, TokenType.CONTROL, TokenType.CONTROL]
    kinds += [TokenType.BYTE] * 256 + [TokenType.NORMAL]
    writer.add_tokenizer_model("llama")
    writer.add_token_list(names)
    writer.add_token_scores([0.0] * len(names))
    writer.add_token_types(kinds)
    writer.add_unk_token_id(_UNKNOWN)
    writer.add_bos_token_id(_BEGIN)
    writer.add_eos_token_id(_END)
    writer.add_add_space_prefix(False)
    writer.add_chat_template(_TEMPLATE)
    for name, tensor in tensors().items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    write(Path(sys.argv[1]))
