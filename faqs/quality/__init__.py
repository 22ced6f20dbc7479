"""How good a workspace's answers are, from what is in them and from what was asked of them.

`selftest` looks at the ways to ask alone, `confusing` at entries that are mixed up, `wanting` at
entries that are asked for in too few ways, `asked` at questions that no entry answered. What
customers wrote is handed in: who may see it is another room's matter.
"""
