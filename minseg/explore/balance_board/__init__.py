"""The balance board: five losses share one backbone; drag their weights and see what they do."""

from minseg.explore.balance_board.widget import BalanceBoard

__all__ = ["BalanceBoard"]
