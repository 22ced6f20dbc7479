"""Which entry a message asks for: one small model for each workspace, trained on its entries.

`features` turns a text into numbers, `training` makes the model, `model` holds and stores it,
`asking` ranks, `certainty` says how sure that is. Without a database, and without settings but
for the encoder's.
"""
