"""A sentence as numbers that are alike where the meaning is: all-MiniLM-L6-v2, in int8.

`weights` knows where the model comes from, `graph` writes it down for onnxruntime, `making`
does both once at set-up, `encoding` is what the rest of the house calls.
"""
