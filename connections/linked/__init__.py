"""Linked devices: numbers that were linked by QR or by code, and the sessions behind them."""
